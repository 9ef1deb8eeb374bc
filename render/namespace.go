package render

import (
	"fmt"
	"strconv"
	"strings"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// namespace writes the sections of a namespace.
func (s *sheet) namespace(n *graph.NamespaceProfile) error {
	s.title(nsName(n.Type, n.NS), kindWords(n.Type)+hostMark(n.Host))
	if n.Serial != nil {
		s.line("kernel id", strconv.FormatUint(*n.Serial, 10))
	}
	s.line("names", n.Names...)
	s.line("holds", holds(n.UTS, n.TimeOffsets, nil)...)
	s.line("processes", membersText(n))
	if n.SharedWith != nil && !n.SharedWith.Alone() {
		s.line("who", othersWords(n.SharedWith))
	}
	if n.Type == inspect.User {
		s.idMap(n.IDMap, n.Host)
		if n.OwnerUID != nil && len(n.Owners) > 0 {
			s.line("made by", nameAndID(nil, *n.OwnerUID))
		}
	}
	label := "owned by"
	if n.Type == inspect.User {
		label = "lies in"
	}
	if len(n.Owners) > 0 || !n.OwnersWhole {
		s.owners(label, n.Owners, n.OwnersWhole)
	}
	s.line("ancestors", ancestorsText(n.Ancestors))
	s.line("held by", refTexts(n.Refs)...)
	s.line("children", entryTexts(n.Children)...)
	s.owns(n.Owns)
	return s.members(n.Members)
}

// kindWords says a kind as man7 does.
func kindWords(t inspect.Type) string {
	switch t {
	case inspect.Mnt:
		return "mount namespace"
	case inspect.Net:
		return "network namespace"
	case inspect.IPC, inspect.UTS:
		return strings.ToUpper(t.String()) + " namespace"
	}
	return t.String() + " namespace"
}

func membersText(n *graph.NamespaceProfile) string {
	if n.NProcs == nil {
		return "not looked at"
	}
	return strconv.Itoa(*n.NProcs)
}

func ancestorsText(inodes []uint64) string {
	words := make([]string, len(inodes))
	for i, ino := range inodes {
		words[i] = nsName(inspect.PID, ino)
	}
	return strings.Join(words, " → ")
}

func entryTexts(list []graph.Row) []string {
	lines := make([]string, len(list))
	for i := range list {
		lines[i] = nsName(list[i].Type, list[i].NS)
		if who := whoText(&list[i]); who != "" {
			lines[i] += "  " + who
		}
	}
	return lines
}

// owns writes what a user namespace owns, one kind a line.
func (s *sheet) owns(list []graph.Row) {
	if len(list) == 0 {
		return
	}
	s.title("owns", count(len(list), "namespace of another kind", "namespaces of other kinds"))
	for _, t := range inspect.Types {
		var words []string
		for i := range list {
			if r := &list[i]; r.Type == t {
				words = append(words, strings.TrimSpace(strconv.FormatUint(r.NS, 10)+" "+whoText(r)))
			}
		}
		if len(words) > 0 {
			s.words(t.String(), words)
		}
	}
}

// members writes the first members as a table.
func (s *sheet) members(list []graph.Member) error {
	if len(list) == 0 {
		return nil
	}
	s.title("members", "")
	t := Table{Head: []Head{{Text: "PID", Right: true}, {Text: "USER"}, {Text: "CONTAINER"}, {Text: "COMMAND"}}}
	for _, m := range list[:min(len(list), graph.ShownMembers)] {
		t.Rows = append(t.Rows, []string{strconv.Itoa(m.PID), memberUser(&m), containerName(m.Container), orDash(m.Command)})
	}
	if err := s.table(&t); err != nil {
		return err
	}
	if more := len(list) - graph.ShownMembers; more > 0 {
		s.b.WriteString(fmt.Sprintf("  and %d more\n", more))
	}
	return nil
}

func memberUser(m *graph.Member) string {
	switch {
	case m.User != nil:
		return *m.User
	case m.UID != nil:
		return strconv.FormatUint(uint64(*m.UID), 10)
	}
	return "-"
}

func containerName(c *graph.ContainerName) string {
	if c == nil {
		return "-"
	}
	return c.Name
}

func orDash(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

// whoText says who is in a namespace, in a few words.
func whoText(r *graph.Row) string {
	switch {
	case r.Container != nil:
		return containerText(r)
	case r.PID != nil && r.Command != nil:
		return fmt.Sprintf("%d %s", *r.PID, *r.Command)
	case r.PID != nil:
		return strconv.Itoa(*r.PID)
	case len(r.Names) > 0:
		return strings.Join(r.Names, ",")
	case r.NProcs != nil:
		return "no process"
	}
	return ""
}

// refTexts says what holds a namespace beside processes and other namespaces,
// one a line.
func refTexts(refs []inspect.Ref) []string {
	lines := make([]string, len(refs))
	for i, r := range refs {
		lines[i] = string(r.Kind)
		if r.PID != 0 {
			lines[i] += fmt.Sprintf(" of %d", r.PID)
		}
		if r.Path != "" {
			lines[i] += " " + r.Path
		}
	}
	return lines
}
