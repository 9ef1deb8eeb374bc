package doctor

import "slices"

// Checks returns all checks, by family.
func Checks() []Check {
	return slices.Concat(routingChecks(), overlapChecks(), netfilterChecks(), bridgeChecks(), publishChecks(), publishedChecks(), macvlanChecks(), dnsChecks(), addressChecks(), tableChecks(), leakChecks(), namespaceChecks(), mountChecks())
}
