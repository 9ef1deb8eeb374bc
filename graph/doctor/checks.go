package doctor

import "slices"

// Checks returns all checks, by family.
func Checks() []Check {
	return slices.Concat(routingChecks(), netfilterChecks(), bridgeChecks(), publishChecks(), macvlanChecks(), dnsChecks(), addressChecks(), tableChecks(), leakChecks(), namespaceChecks(), mountChecks())
}
