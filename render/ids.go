package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// IDs is the view of translated user or group ids. Quiet leaves the words
// out.
type IDs struct {
	*graph.IDList
	Quiet bool
}

// Document returns the list.
func (v IDs) Document() any { return v.IDList }

// Targets returns nothing: an id is no target.
func (v IDs) Targets() []string { return nil }

// Text writes a sentence for each id.
func (v IDs) Text(w io.Writer, _ bool, o Options) error {
	var lines []string
	for i := range v.IDs {
		id := &v.IDs[i]
		if v.Quiet {
			lines = append(lines, quietID(id))
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %d of %s is %s", v.Kind, id.ID, placeWords(&v.From), v.idWords(id)))
	}
	return writeLines(w, lines, o)
}

func quietID(id *graph.TranslatedID) string {
	if id.Result != nil {
		return strconv.FormatUint(uint64(*id.Result), 10)
	}
	return string(id.State)
}

// idWords says what an id is on the other side, and on the way there.
func (v IDs) idWords(id *graph.TranslatedID) string {
	to := inWords(&v.To)
	switch {
	case id.State == inspect.Unmapped && id.Shown != nil:
		return fmt.Sprintf("unmapped %s (shown as %d)", to, *id.Shown)
	case id.Result == nil:
		return fmt.Sprintf("not known %s: %s", to, id.Reason)
	}
	words := fmt.Sprintf("%d %s", *id.Result, to)
	if n := len(id.Levels); n > 2 {
		var via []string
		for _, l := range id.Levels[1 : n-1] {
			if l.ID != nil {
				via = append(via, fmt.Sprintf("%d in %s", *l.ID, nsName(inspect.User, l.NS)))
			}
		}
		if len(via) > 0 {
			words += ", by way of " + strings.Join(via, " and ")
		}
	}
	return words
}

// placeWords names a side: "web1", "the host".
func placeWords(p *graph.Place) string {
	if p.Name == "" {
		return "the host"
	}
	return p.Name
}

// inWords says where: "in web1", "on the host".
func inWords(p *graph.Place) string {
	if p.Name == "" {
		return "on the host"
	}
	return "in " + p.Name
}

// PIDs is the view of translated pids. Quiet leaves the words out.
type PIDs struct {
	*graph.PIDList
	Quiet bool
}

// Document returns the list.
func (v PIDs) Document() any { return v.PIDList }

// Targets returns nothing: a pid of another namespace is no target.
func (v PIDs) Targets() []string { return nil }

// Text writes a sentence for each pid.
func (v PIDs) Text(w io.Writer, _ bool, o Options) error {
	var lines []string
	for i := range v.IDs {
		p := &v.IDs[i]
		switch {
		case v.Quiet && p.Result != nil:
			lines = append(lines, strconv.Itoa(*p.Result))
		case v.Quiet && p.Process != nil:
			lines = append(lines, "invisible")
		case v.Quiet:
			lines = append(lines, string(inspect.Unknown))
		default:
			lines = append(lines, fmt.Sprintf("pid %d of %s %s", p.ID, placeWords(&v.From), v.pidWords(p)))
		}
	}
	return writeLines(w, lines, o)
}

// pidWords says what a pid is on the other side.
func (v PIDs) pidWords(p *graph.TranslatedPID) string {
	command := ""
	if p.Command != nil {
		command = " (" + *p.Command + ")"
	}
	switch {
	case p.Process == nil:
		return "is no process in sight"
	case p.Result == nil:
		return "cannot be seen " + inWords(&v.To) + command
	}
	return fmt.Sprintf("is %d %s%s", *p.Result, inWords(&v.To), command)
}

func writeLines(w io.Writer, lines []string, o Options) error {
	s := newSheet(o)
	for _, l := range lines {
		s.b.WriteString(s.clean(l) + "\n")
	}
	return s.writeTo(w)
}

// IDMap is the view of how a user namespace maps ids.
type IDMap struct {
	*graph.MapView
	Kinds []inspect.IDKind // which of the maps to show
}

// Document returns the map.
func (v IDMap) Document() any { return v.MapView }

// Targets returns the word for the user namespace.
func (v IDMap) Targets() []string { return []string{nsName(inspect.User, v.NS)} }

// Text reads the map in words.
func (v IDMap) Text(w io.Writer, _ bool, o Options) error {
	s := newSheet(o)
	s.title(v.Name, "is in "+nsName(inspect.User, v.NS)+hostMark(v.Host))
	outside := outsideWords(v.Host)
	m := v.UserProfile.IDMap
	if m == nil {
		s.line("id map", "not known")
		m = &inspect.IDMap{}
		v.Kinds = nil
	}
	for _, kind := range v.Kinds {
		if kind == inspect.GID {
			s.line("group ids", graph.MapWords(m.GID, outside)...)
		} else {
			s.line("user ids", graph.MapWords(m.UID, outside)...)
		}
	}
	s.line("setgroups", m.Setgroups)
	if len(v.Chain) > 1 {
		s.owners("lies in", v.Chain[1:], v.Whole)
	}
	return s.writeTo(w)
}

// outsideWords says where the other side of a map is, see inspect.IDMap: for
// the observer's own namespace its parent.
func outsideWords(host *bool) string {
	if host != nil && *host {
		return "the parent"
	}
	return "the host"
}
