package inspect

import (
	"cmp"
	"slices"
	"strings"
)

// containers adds all containers that match.
func (f *finder) containers(match func(*Container) bool) {
	for i := range f.x.s.Containers {
		if c := &f.x.s.Containers[i]; match(c) {
			f.add(f.x.targetContainer(c))
		}
	}
}

// containersCalled looks for a container among those that match by name or
// id, by service, by a part of the id.
func (f *finder) containersCalled(word string, match func(*Container) bool) {
	f.containers(func(c *Container) bool { return match(c) && (c.Name == word || c.ID == word) })
	if len(f.found) == 0 {
		f.containers(func(c *Container) bool { return match(c) && c.runs(word) })
	}
	if len(f.found) == 0 {
		f.containers(func(c *Container) bool { return match(c) && strings.HasPrefix(c.ID, word) })
	}
}

// services looks for containers of a compose service. Those that are not
// running count only when none is.
func (f *finder) services(word string) {
	running := func(c *Container) bool { return c.runs(word) && c.PID != 0 }
	if slices.ContainsFunc(f.x.s.Containers, func(c Container) bool { return running(&c) }) {
		f.containers(running)
		return
	}
	f.containers(func(c *Container) bool { return c.runs(word) })
}

// runs reports whether c is of the compose service, "web" or "shop/web".
func (c *Container) runs(service string) bool {
	s := c.Service()
	return s != "" && (s == service || c.Project()+"/"+s == service)
}

// targetContainer is a container with a word that means no other.
func (x *Index) targetContainer(c *Container) Target {
	t := Target{Kind: TargetContainer, Container: c, PID: x.firstOf(c)}
	t.Text = c.Engine + ":" + c.Name
	if c.Name == "" || c.Engine == "" || strings.ContainsAny(c.Engine, ":/") || isReserved(c.Engine) || x.clashes(c) {
		t.Text = "id:" + c.ID
	}
	return t
}

// isReserved reports whether "word:" does not stand for an engine.
func isReserved(word string) bool {
	if _, err := ParseType(word); err == nil {
		return true
	}
	return slices.Contains([]string{"pid", "netns", "service", "id", "container"}, word)
}

// clashes reports whether the name of c is also that of another container of
// the same engine.
func (x *Index) clashes(c *Container) bool {
	for i := range x.s.Containers {
		o := &x.s.Containers[i]
		if o.ID != c.ID && o.Engine == c.Engine && (o.Name == c.Name || o.ID == c.Name) {
			return true
		}
	}
	return false
}

// firstOf returns the first process of a container: the one that its engine
// names, unless that is gone, else the oldest in its cgroup; 0 for none.
func (x *Index) firstOf(c *Container) int {
	if x.Process(c.PID) != nil {
		return c.PID
	}
	if pids := x.ProcessesIn(c.ID); len(pids) > 0 {
		return slices.MinFunc(pids, func(a, b int) int {
			return cmp.Or(cmp.Compare(x.Process(a).Info.Start, x.Process(b).Info.Start), cmp.Compare(a, b))
		})
	}
	return c.PID
}
