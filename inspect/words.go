package inspect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Word is a completion: a word that means a target and what it stands for.
// Both hold text from the host, which is not fit for a terminal as it is.
type Word struct {
	Text        string `json:"text"`
	Description string `json:"description"`
}

// Words returns the words that begin with prefix and that Resolve takes, for
// completion in a shell: containers, names of network namespaces, "self" and
// namespaces. Pids, bare inodes and parts of ids, of which there are many,
// are among them only when prefix begins as they do, and words like
// "docker:web1" only when prefix has the colon.
func (x *Index) Words(prefix string) []Word {
	w := wordList{x: x, prefix: prefix, has: map[string]bool{}}
	x.containerWords(&w)
	x.nameWords(&w)
	if t, err := x.self(); err == nil {
		w.add("self", t, func() string { return "nsinspect itself, pid " + strconv.Itoa(t.PID) })
	}
	x.processWords(&w)
	x.namespaceWords(&w)
	return w.words
}

type wordList struct {
	x      *Index
	prefix string
	words  []Word
	has    map[string]bool
}

// add offers a word that begins with the prefix and means this target.
func (w *wordList) add(text string, t Target, about func() string) {
	if !strings.HasPrefix(text, w.prefix) || w.has[text] {
		return
	}
	if is, err := w.x.Resolve(text); err != nil || !is.same(t) {
		return
	}
	w.has[text] = true
	w.words = append(w.words, Word{Text: text, Description: about()})
}

func (w *wordList) isNumber() bool { return w.prefix != "" && w.prefix[0] >= '0' && w.prefix[0] <= '9' }

// containerWords has names in order, then the ids of containers without name.
func (x *Index) containerWords(w *wordList) {
	list := make([]*Container, len(x.s.Containers))
	for i := range list {
		list[i] = &x.s.Containers[i]
	}
	slices.SortStableFunc(list, func(a, b *Container) int {
		if (a.Name == "") != (b.Name == "") {
			return len(b.Name) - len(a.Name)
		}
		return compareContainers(a, b)
	})
	for _, c := range list {
		t := x.targetContainer(c)
		about := func() string { return join(c.Engine+" container", c.Image, c.State) }
		w.add(c.Name, t, about)
		if strings.Contains(w.prefix, ":") || c.Name != "" && !w.has[c.Name] && strings.HasPrefix(c.Name, w.prefix) {
			w.add(t.Text, t, about)
		}
		if w.prefix != "" || c.Name == "" {
			w.add(c.ID[:min(len(c.ID), 12)], t, func() string { return join(about(), c.Name) })
		}
	}
}

func (x *Index) nameWords(w *wordList) {
	for i := range x.s.Refs {
		name := x.s.Refs[i].name()
		if name == "" || w.has[name] {
			continue
		}
		for _, t := range x.targetsNamed(name) {
			about := func() string { return x.about(t.NS, t.Type) }
			w.add(name, t, about)
			if strings.HasPrefix(w.prefix, "netns:") {
				w.add("netns:"+name, t, about)
			}
		}
	}
}

func (x *Index) processWords(w *wordList) {
	mark := ""
	if strings.HasPrefix(w.prefix, "pid:") {
		mark = "pid:"
	} else if !w.isNumber() {
		return
	}
	for i := range x.s.Processes {
		p := &x.s.Processes[i]
		w.add(mark+strconv.Itoa(p.PID), targetProcess(p.PID), func() string {
			if p.Info == nil {
				return "process"
			}
			return join("process "+p.Info.Comm, x.containerName(p.PID))
		})
	}
}

func (x *Index) containerName(pid int) string {
	if c := x.ContainerOf(pid); c != nil {
		return c.DisplayName()
	}
	return ""
}

// namespaceWords leaves out the brackets, which shells take for a pattern,
// unless the user typed one.
func (x *Index) namespaceWords(w *wordList) {
	for i := range x.s.Namespaces {
		n := &x.s.Namespaces[i]
		t := targetNamespace(n.ID, n.Type)
		about := func() string { return x.about(n.ID, n.Type) }
		switch {
		case strings.Contains(w.prefix, "["):
			w.add(t.Text, t, about)
		case w.isNumber():
			w.add(strconv.FormatUint(n.ID.Ino, 10), t, about)
		default:
			w.add(fmt.Sprintf("%s:%d", n.Type, n.ID.Ino), t, about)
		}
	}
}

// about says in a few words what a namespace is.
func (x *Index) about(id ID, t Type) string {
	about := t.String() + " namespace"
	if x.IsOwn(id) {
		about += " of nsinspect"
	}
	switch n := len(x.Members(id)); n {
	case 0:
		about += ", no process"
	case 1:
		about += ", 1 process"
	default:
		about += fmt.Sprintf(", %d processes", n)
	}
	if cs := x.ContainersOf(id); len(cs) > 0 {
		return join(about, cs[0].DisplayName())
	}
	return join(about, strings.Join(x.Names(id), " "))
}

// join puts commas between what is not empty.
func join(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p != "" && b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p)
	}
	return b.String()
}
