package inspect

// Census is the result of a deep capture: whether the namespaces of a
// snapshot are all there are.
type Census struct {
	// Steps are the ways that were tried, in order.
	Steps []CensusStep `json:"steps"`
	// Complete is set when every inode that is in use was accounted for.
	Complete bool `json:"complete"`
	// Unknown are the inodes in use by something that was not found.
	Unknown []InodeRun `json:"unknown,omitempty"`
}

// CensusStep is one way to find namespaces that scanning does not see.
type CensusStep struct {
	Name string `json:"name"` // inodes, handles, listns, bpf, peek
	// Skipped says why the step was not taken; "" when it was.
	Skipped string `json:"skipped,omitempty"`
	// Found are the namespaces that this step added.
	Found []ID `json:"found,omitempty"`
	// Effect is the side effect that the step had; "" for none.
	Effect string `json:"effect,omitempty"`
	// Note is what else it saw, in words.
	Note string `json:"note,omitempty"`
}

// InodeRun is a row of neighbouring inodes in use by something unknown.
type InodeRun struct {
	First uint64 `json:"first"`
	Count int    `json:"count"`
	// Looks is the kind of namespace that takes as many inodes: net for a long
	// run, zero when it can be any other.
	Looks Type `json:"looks,omitzero"`
}
