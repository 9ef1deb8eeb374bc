package graph

import (
	"slices"
	"time"

	"nsinspect/inspect"
)

// Changes is what is different in a later snapshot.
type Changes struct {
	From Taken `json:"from"`
	To   Taken `json:"to"`
	// SameBoot is nil when a snapshot does not say from which boot it is. When
	// it is false only containers are compared.
	SameBoot *bool `json:"same_boot"`
	// Cautions say why something in the lists may be due to how the snapshots
	// were taken.
	Cautions   []string                  `json:"cautions"`
	Containers []inspect.ContainerChange `json:"containers"`
	Namespaces []ChangedNamespace        `json:"namespaces"`
	Processes  []ChangedProcess          `json:"processes"`
	// Problems are those of both.
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// Taken is where and when a snapshot was taken.
type Taken struct {
	Hostname string    `json:"hostname"`
	Kernel   string    `json:"kernel"`
	At       time.Time `json:"taken"`
}

// ChangedNamespace is a namespace that appeared, went or changed, as it is in
// the later snapshot that has it.
type ChangedNamespace struct {
	Change inspect.ChangeKind `json:"change"`
	Row
	// Joined and Left are members; of one that appeared or went, all.
	Joined []int                 `json:"joined,omitempty"`
	Left   []int                 `json:"left,omitempty"`
	Fields []inspect.FieldChange `json:"fields,omitempty"`
}

// ChangedProcess is a process that appeared, went or is in other namespaces.
type ChangedProcess struct {
	Change    inspect.ChangeKind    `json:"change"`
	PID       int                   `json:"pid"`
	Command   *string               `json:"command"`
	Container *ContainerName        `json:"container"`
	Fields    []inspect.FieldChange `json:"fields,omitempty"` // by link, with words like net:[4026532299]
}

// ChangesOf says what is different in b, taken after a.
func ChangesOf(a, b *inspect.Index) *Changes {
	d := inspect.Diff(a.Snapshot(), b.Snapshot())
	c := &Changes{
		From: taken(a), To: taken(b), SameBoot: d.SameBoot, Cautions: append([]string{}, d.Cautions...),
		Containers: d.Containers, Namespaces: []ChangedNamespace{}, Processes: []ChangedProcess{},
		Problems: slices.Concat(problems(a), problems(b)), Format: inspect.Format,
	}
	for _, n := range d.Namespaces {
		c.Namespaces = append(c.Namespaces, changedNamespace(at(n.Change, a, b), n))
	}
	for _, p := range d.Processes {
		c.Processes = append(c.Processes, changedProcess(at(p.Change, a, b), p))
	}
	return c
}

// at returns the snapshot that has what changed, the later if both have.
func at(kind inspect.ChangeKind, a, b *inspect.Index) *inspect.Index {
	if kind == inspect.Went {
		return a
	}
	return b
}

func taken(x *inspect.Index) Taken {
	h := &x.Snapshot().Host
	return Taken{Hostname: h.Hostname, Kernel: h.Kernel, At: h.Taken}
}

func changedNamespace(x *inspect.Index, n inspect.NamespaceChange) ChangedNamespace {
	c := ChangedNamespace{Change: n.Change, Joined: n.Joined, Left: n.Left, Fields: n.Fields}
	if ns := x.Namespace(n.ID); ns != nil {
		c.Row = rowOf(x, ns, x.Snapshot().Scope.Has(inspect.FactTasks))
	}
	return c
}

func changedProcess(x *inspect.Index, p inspect.ProcessChange) ChangedProcess {
	c := ChangedProcess{Change: p.Change, PID: p.PID}
	if proc := x.Process(p.PID); proc != nil {
		c.Command = leadOf(x, proc).Command
	}
	if k := x.ContainerOf(p.PID); k != nil {
		c.Container = known(nameOf(k))
	}
	for _, f := range p.Fields {
		c.Fields = append(c.Fields, inspect.FieldChange{Field: f.Field, From: linkWords(f.Field, f.From), To: linkWords(f.Field, f.To)})
	}
	return c
}

// linkWords turns the "dev:inode" of a link into the word for the namespace.
func linkWords(link, id string) string {
	var v inspect.ID
	if v.UnmarshalText([]byte(id)) != nil {
		return id
	}
	for l := range inspect.NumLinks {
		if l.String() == link {
			return inspect.Target{Kind: inspect.TargetNamespace, NS: v, Type: l.Type()}.String()
		}
	}
	return id
}

// IsEmpty reports whether nothing is different.
func (c *Changes) IsEmpty() bool {
	return len(c.Containers) == 0 && len(c.Namespaces) == 0 && len(c.Processes) == 0
}
