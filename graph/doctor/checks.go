package doctor

import "slices"

// Checks returns all checks, by family.
func Checks() []Check {
	return slices.Concat(routingChecks(), netfilterChecks(), bridgeChecks(), publishChecks(), macvlanChecks(), dnsChecks(), tableChecks(), leakChecks(), namespaceChecks(), mountChecks())
}
