package inspect

import (
	"cmp"
	"slices"
)

// PIDLevel is the pid that a process has in one pid namespace.
type PIDLevel struct {
	NS  ID  `json:"ns,omitzero"` // zero when it is not known which namespace it is
	PID int `json:"pid"`
}

// PIDLevels returns the pids of a process, from the one in the observer's
// /proc inwards to the one in its own pid namespace. Where NSpid is not known
// it is the first alone.
func (x *Index) PIDLevels(p *Process) []PIDLevel {
	pids := []int{p.PID}
	if p.Info != nil && len(p.Info.NSpid) > 1 {
		pids = append(pids, p.Info.NSpid[1:]...)
	}
	levels := make([]PIDLevel, len(pids))
	for i, pid := range pids {
		levels[i].PID = pid
	}
	own := x.Own(PID)
	inner := x.pidNamespace(p)
	if p.Info == nil || p.Info.NSpid == nil || inner.IsZero() {
		levels[0].NS = own
		return levels
	}
	chain := append([]ID{inner}, x.Ancestors(inner)...)
	for i := range levels {
		if up := len(levels) - 1 - i; up < len(chain) {
			levels[i].NS = chain[up]
		}
	}
	levels[0].NS = cmp.Or(levels[0].NS, own)
	return levels
}

// pidNamespace returns the pid namespace of a process; zero when unknown. All
// its threads are in the same.
func (x *Index) pidNamespace(p *Process) ID {
	l := x.linksOf(p.PID, 0)
	return l.Of(PID)
}

// PIDIn returns the pid of a process in a pid namespace. ok is false when the
// process is not visible there or when it is not known.
func (x *Index) PIDIn(p *Process, ns ID) (pid int, ok bool) {
	for _, l := range x.PIDLevels(p) {
		if l.NS == ns && !ns.IsZero() {
			return l.PID, true
		}
	}
	return 0, false
}

// ProcessIn returns the process that has this pid in a pid namespace, nil when
// there is none or when it is not known.
func (x *Index) ProcessIn(ns ID, pid int) *Process {
	for i := range x.s.Processes {
		p := &x.s.Processes[i]
		if p.PID != pid && (p.Info == nil || !slices.Contains(p.Info.NSpid, pid)) {
			continue
		}
		if inner, ok := x.PIDIn(p, ns); ok && inner == pid {
			return p
		}
	}
	return nil
}

// PIDTranslation is what a pid of one pid namespace is in another.
type PIDTranslation struct {
	// Levels are all pids of the process, the observer's first; nil when no
	// process with that pid is known.
	Levels []PIDLevel `json:"levels"`
	// Process is its pid in the observer's /proc; 0 when there is none.
	Process int `json:"process"`
	// PID is the pid in the other namespace; nil when it is not visible there.
	PID *int `json:"pid"`
}

// TranslatePID says what a pid of the pid namespace from is in the pid
// namespace to. The host's is x.Own(PID).
func (x *Index) TranslatePID(from, to ID, pid int) PIDTranslation {
	p := x.ProcessIn(from, pid)
	if p == nil {
		return PIDTranslation{}
	}
	t := PIDTranslation{Levels: x.PIDLevels(p), Process: p.PID}
	if other, ok := x.PIDIn(p, to); ok {
		t.PID = &other
	}
	return t
}
