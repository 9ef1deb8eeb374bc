package inspect

// Delta says what is different in a later snapshot of a host.
type Delta struct {
	// SameBoot tells whether pids and inodes of both mean the same: nil when
	// one does not say from which boot it is. When false only containers are
	// compared.
	SameBoot *bool `json:"same_boot"`
	// Cautions say in words why something in the lists may be due to how the
	// snapshots were taken.
	Cautions   []string          `json:"cautions,omitempty"`
	Namespaces []NamespaceChange `json:"namespaces"` // by ID; one that was replaced is there twice
	Processes  []ProcessChange   `json:"processes"`  // by PID, likewise
	Containers []ContainerChange `json:"containers"` // by ID
}

// ChangeKind says what happened to something.
type ChangeKind string

// The kinds of changes.
const (
	Appeared ChangeKind = "appeared"
	Went     ChangeKind = "went"
	Changed  ChangeKind = "changed"
)

// NamespaceChange is a namespace that appeared, went, or has other members or
// other contents.
type NamespaceChange struct {
	Change ChangeKind `json:"change"`
	ID     ID         `json:"id"`
	Type   Type       `json:"type"`
	// Joined and Left are members; of a namespace that appeared or went, all.
	Joined []int         `json:"joined,omitempty"`
	Left   []int         `json:"left,omitempty"`
	Fields []FieldChange `json:"fields,omitempty"`
}

// FieldChange is something with another value: "hostname", "state", "net".
type FieldChange struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// ProcessChange is a process that appeared, went, or is in other namespaces.
type ProcessChange struct {
	Change    ChangeKind    `json:"change"`
	PID       int           `json:"pid"`
	Comm      string        `json:"comm,omitempty"`
	Container string        `json:"container,omitempty"` // its id
	Fields    []FieldChange `json:"fields,omitempty"`    // by link, with dev:inode
}

// ContainerChange is a container that appeared, went, or has another state.
type ContainerChange struct {
	Change ChangeKind    `json:"change"`
	ID     string        `json:"id"`
	Name   string        `json:"name"` // or the beginning of its id
	Fields []FieldChange `json:"fields,omitempty"`
}

// IsEmpty reports whether nothing is different.
func (d *Delta) IsEmpty() bool {
	return len(d.Namespaces) == 0 && len(d.Processes) == 0 && len(d.Containers) == 0
}
