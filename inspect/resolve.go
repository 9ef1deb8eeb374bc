package inspect

import (
	"strconv"
	"strings"
)

// Resolve returns what a user's word means: a pid, "self", a container's name
// or the beginning of its id, "net:[4026532299]", an inode, a path such as
// /proc/7/ns/net or /run/netns/blue, or the name of a network namespace. The
// error is a [*NotFoundError] or an [*AmbiguousError].
func (x *Index) Resolve(word string) (Target, error) {
	var found []Target
	if word == "self" {
		found = append(found, Target{Kind: TargetProcess, PID: x.s.Host.Observer.PID})
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(word, "pid:")); err == nil && x.Process(n) != nil {
		found = append(found, Target{Kind: TargetProcess, PID: n})
	}
	for i := range x.s.Containers {
		c := &x.s.Containers[i]
		if w := strings.TrimPrefix(word, c.Engine+":"); w != "" && (c.Name == w || strings.HasPrefix(c.ID, w)) {
			found = append(found, Target{Kind: TargetContainer, Container: c, PID: c.PID})
		}
	}
	for i := range x.s.Namespaces {
		n := &x.s.Namespaces[i]
		t := Target{Kind: TargetNamespace, NS: n.ID, Type: n.Type}
		if word == t.String() || word == strconv.FormatUint(n.ID.Ino, 10) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return Target{}, &NotFoundError{Word: word}
	case 1:
		return found[0], nil
	}
	return Target{}, &AmbiguousError{Word: word, Candidates: found}
}

// NamespacesOf returns the namespaces of a target: all that are known of a
// process or container, the one of a namespace. The error says why none is
// known.
func (x *Index) NamespacesOf(t Target) (Links, error) {
	if t.Kind == TargetNamespace {
		var l Links
		l[t.Type.Link()] = t.NS
		return l, nil
	}
	p := x.Process(t.PID)
	if p == nil {
		return Links{}, &NotFoundError{Word: t.String()}
	}
	return p.NS, nil
}

// Words returns the words that begin with prefix, for completion in a shell.
func (x *Index) Words(prefix string) []Word {
	var words []Word
	for i := range x.s.Containers {
		c := &x.s.Containers[i]
		if name := c.DisplayName(); strings.HasPrefix(name, prefix) {
			words = append(words, Word{Text: name, Description: c.Engine + " container"})
		}
	}
	return words
}
