package render

import (
	"fmt"
	"io"
	"strings"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// Mounts is the view of the mounts of one mount namespace.
type Mounts struct {
	*graph.MountTree
	NoHeadings bool
}

// Document returns the tree.
func (v Mounts) Document() any { return v.MountTree }

// Targets returns the word for the mount namespace.
func (v Mounts) Targets() []string { return []string{nsName(inspect.Mnt, v.NS)} }

// Text writes one mount a line, below the one that it is mounted on.
func (v Mounts) Text(w io.Writer, wide bool, o Options) error {
	heads := []Head{{Text: "MOUNT POINT"}, {Text: "FSTYPE"}, {Text: "SOURCE"}, {Text: "PROPAGATION"}}
	if wide {
		heads = append(heads, Head{Text: "DEVICE"}, Head{Text: "ROOT"}, Head{Text: "OPTIONS"})
	}
	t := Table{NoHeadings: v.NoHeadings, Head: append(heads, Head{Text: "NOTE"})}
	depths := make([]int, len(v.Mounts))
	for i := range v.Mounts {
		depths[i] = v.Mounts[i].Depth
	}
	prefixes := Branches(depths, o.ASCII)
	for i := range v.Mounts {
		m := &v.Mounts[i]
		row := []string{prefixes[i] + m.Point, m.FSType, dash(m.Source), propagationText(&m.Mount)}
		if wide {
			row = append(row, m.Device, m.Root, m.Options)
		}
		t.Rows = append(t.Rows, append(row, dash(mountNote(m))))
	}
	last := len(t.Head) - 1
	t.Style = func(row, column int) Style {
		switch m := &v.Mounts[row]; {
		case m.Hidden && (column == 0 || column == last):
			return Faint
		case m.Rootfs != nil && column == last:
			return Name
		}
		return Plain
	}
	return t.Write(w, o)
}

// propagationText says how mounts spread, as findmnt(8) names it.
func propagationText(m *inspect.Mount) string {
	var words []string
	if m.Shared != 0 {
		words = append(words, fmt.Sprintf("shared:%d", m.Shared))
	}
	if m.Master != 0 {
		words = append(words, fmt.Sprintf("master:%d", m.Master))
	}
	if m.Unbindable {
		words = append(words, "unbindable")
	}
	if len(words) == 0 {
		return "private"
	}
	return strings.Join(words, ",")
}

func mountNote(m *graph.MountNode) string {
	var words []string
	if m.Hidden {
		words = append(words, "hidden")
	}
	if m.Rootfs != nil {
		words = append(words, "rootfs of "+m.Rootfs.Name)
	}
	if m.Namespace != "" {
		words = append(words, m.Namespace)
	}
	if m.Root != "/" && m.Namespace == "" {
		words = append(words, "bind of "+m.Root)
	}
	return strings.Join(words, ", ")
}

// Busy is the view of who has a file system mounted.
type Busy struct{ *graph.Busy }

// Document returns the facts.
func (v Busy) Document() any { return v.Busy }

// Targets returns the words for the mount namespaces.
func (v Busy) Targets() []string {
	var words []string
	for i := range v.In {
		words = append(words, nsName(inspect.Mnt, v.In[i].NS))
	}
	return words
}

// Text writes the mount namespaces with the mounts and holders of each.
func (v Busy) Text(w io.Writer, _ bool, o Options) error {
	s := newSheet(o)
	note := "is not mounted anywhere that can be seen"
	if len(v.In) > 0 {
		note = fmt.Sprintf("is mounted in %s", count(len(v.In), "mount namespace", "mount namespaces"))
	}
	s.title(v.What, note)
	s.line("file system", strings.Trim(strings.Join([]string{v.FSType, v.Source, v.Device}, " "), " "))
	for i := range v.In {
		in := &v.In[i]
		s.title(nsName(inspect.Mnt, in.NS), strings.TrimPrefix(hostMark(in.Host), ", "))
		for _, p := range in.Points {
			text := p.Point
			if p.Root != "/" {
				text += " (its " + p.Root + ")"
			}
			s.line("mounted at", text)
		}
		t := holderTree{o: o}
		t.add(in.Holders, 0, len(in.Holders))
		for j, text := range t.texts {
			label := ""
			if j == 0 {
				label = "held by"
			}
			s.line(label, strings.Repeat("  ", t.depths[j])+text)
		}
		for _, r := range in.Free {
			s.line("to free it", r.Text+": "+r.Command)
		}
	}
	return s.writeTo(w)
}
