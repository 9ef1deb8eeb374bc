package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// Profile is the view of all that is known of one target.
type Profile struct{ *graph.Profile }

// Document returns the profile.
func (v Profile) Document() any { return v.Profile }

// Targets returns the word for the target.
func (v Profile) Targets() []string { return []string{v.Target} }

// Text writes the profile as sections for people.
func (v Profile) Text(w io.Writer, _ bool, o Options) error {
	s := newSheet(o)
	if v.Container != nil && v.Kind == "container" {
		s.container(v.Container)
	}
	if v.Process != nil {
		if err := s.process(v.Profile); err != nil {
			return err
		}
	} else if v.Kind == "container" {
		s.line("process", "none: the container does not run, or its process is not known")
	}
	if v.Namespace != nil {
		if err := s.namespace(v.Namespace); err != nil {
			return err
		}
	}
	s.limits(v.shownLimits())
	return s.writeTo(w)
}

// shownLimits are those of the kinds that the target can have more of.
func (v Profile) shownLimits() []graph.Limit {
	n := v.Namespace
	if n == nil || n.Type == inspect.User {
		return v.Limits
	}
	return slices.DeleteFunc(slices.Clone(v.Limits), func(l graph.Limit) bool { return l.Type != n.Type })
}

func (s *sheet) container(c *graph.ContainerProfile) {
	s.title(c.Name, c.Engine+" container")
	s.line("id", c.ID)
	s.line("image", c.Image)
	s.line("state", c.State)
	s.line("compose", composeText(c))
	s.line("pod", c.Pod)
	s.line("network mode", c.NetworkMode)
}

func composeText(c *graph.ContainerProfile) string {
	var parts []string
	if c.Project != "" {
		parts = append(parts, "project "+c.Project)
	}
	if c.Service != "" {
		parts = append(parts, "service "+c.Service)
	}
	return strings.Join(parts, ", ")
}

// process writes the sections of a process.
func (s *sheet) process(v *graph.Profile) error {
	p := v.Process
	name := fmt.Sprintf("process %d", p.PID)
	if p.Details == nil {
		s.title(name, "")
		s.line("details", "not read")
	} else {
		s.title(name, p.Command)
		s.details(p)
	}
	if c := v.Container; c != nil && v.Kind != "container" {
		s.line("container", containerWords(c))
	}
	own := ""
	if v.Container != nil {
		own = v.Container.Name
	}
	note := p.Unreadable
	if p.Thread != nil {
		note = fmt.Sprintf("of thread %d", *p.Thread)
	}
	s.title("namespaces", note)
	if err := s.memberships(p.Namespaces, own); err != nil {
		return err
	}
	for _, t := range p.Threads {
		s.title(fmt.Sprintf("thread %d", t.TID), t.Command+" is in other namespaces than its process")
		if err := s.memberships(t.Namespaces, own); err != nil {
			return err
		}
	}
	s.hints(v.Hints)
	if p.User != nil {
		s.user(p.User)
	}
	if p.Details != nil {
		s.rights(p.Details, p.User)
	}
	return nil
}

func containerWords(c *graph.ContainerProfile) string {
	words := fmt.Sprintf("%s (%s %s)", c.Name, c.Engine, c.ID[:min(len(c.ID), 12)])
	for _, more := range []string{c.Image, composeText(c), c.State} {
		if more != "" {
			words += ", " + more
		}
	}
	return words
}

func (s *sheet) details(p *graph.ProcessProfile) {
	d := p.Details
	if len(d.PIDs) > 1 {
		s.line("pid", pidsText(d.PIDs)+" inside")
	}
	s.line("parent", parentText(d.PPID))
	if len(d.Cmdline) > 0 {
		s.line("command line", strings.Join(d.Cmdline, " "))
	}
	s.line("state", graph.StateWords(d.State))
	if d.Started != nil {
		age := graph.DurationWords(ageOf(d.Age))
		s.line("started", d.Started.UTC().Format("2006-01-02 15:04:05 UTC")+", running for "+age)
	}
	if d.Kernel {
		s.line("kind", "kernel thread")
	}
	s.line("user", idsText(d.UID, d.User))
	s.line("group", idsText(d.GID, d.Group))
	s.line("threads", strconv.Itoa(d.Threads))
	s.line("cgroup", cgroupTexts(d.Cgroups)...)
}

// pidsText joins the pids of a process from the outermost level inwards.
func pidsText(pids []int) string {
	words := make([]string, len(pids))
	for i, pid := range pids {
		words[i] = strconv.Itoa(pid)
	}
	return strings.Join(words, " → ")
}

func parentText(ppid int) string {
	if ppid == 0 {
		return "none in sight"
	}
	return strconv.Itoa(ppid)
}

// idsText shows the effective id, and the others where they differ.
func idsText(ids graph.IDs, name *string) string {
	text := nameAndID(name, ids.Effective)
	if ids.Real != ids.Effective || ids.Saved != ids.Effective || ids.FS != ids.Effective {
		text += fmt.Sprintf(", real %d, saved %d, file system %d", ids.Real, ids.Saved, ids.FS)
	}
	return text
}

func nameAndID(name *string, id uint32) string {
	if name == nil {
		return strconv.FormatUint(uint64(id), 10)
	}
	return fmt.Sprintf("%s (%d)", *name, id)
}

// cgroupTexts returns one text a path, with the hierarchies of version 1 in
// which the process is there.
func cgroupTexts(list []inspect.CgroupPath) []string {
	var paths []string
	controllers := map[string][]string{}
	for _, c := range list {
		if !slices.Contains(paths, c.Path) {
			paths = append(paths, c.Path)
		}
		if c.Controllers != "" {
			controllers[c.Path] = append(controllers[c.Path], c.Controllers)
		}
	}
	for i, p := range paths {
		if c := controllers[p]; len(c) > 0 {
			paths[i] = fmt.Sprintf("%s (%s)", p, strings.Join(c, " "))
		}
	}
	return paths
}

// rights writes what a process may do, and where, when that is not the whole
// host.
func (s *sheet) rights(d *graph.Details, user *graph.UserProfile) {
	note := ""
	if user != nil && user.Host != nil && !*user.Host {
		note = fmt.Sprintf("within user:[%d] and what it owns, not over the host", user.NS)
	}
	s.title("rights", note)
	if c := d.Capabilities; c == nil {
		s.line("capabilities", "not read")
	} else {
		s.effective(c)
		if !sameWords(c.Permitted, c.Effective) {
			s.capabilities("permitted", c.Permitted)
		}
		if !sameWords(c.Bounding, c.Effective) && len(c.Effective) > 0 {
			s.capabilities("bounding", c.Bounding)
		}
		if len(c.Inheritable) > 0 {
			s.capabilities("inheritable", c.Inheritable)
		}
		if len(c.Ambient) > 0 {
			s.capabilities("ambient", c.Ambient)
		}
	}
	s.line("seccomp", d.Seccomp)
	s.line("no new privs", yesNo(d.NoNewPrivs))
}

// effective writes the effective set by what it lacks, where that is less.
func (s *sheet) effective(c *graph.Capabilities) {
	const label = "capabilities"
	switch have := len(c.Effective); {
	case c.All:
		s.line(label, fmt.Sprintf("all %d", have))
	case len(c.Missing) < have:
		first := fmt.Sprintf("%d, all but: %s", have, c.Missing[0])
		s.words(label, append([]string{first}, c.Missing[1:]...))
	default:
		s.capabilities(label, c.Effective)
	}
}

func (s *sheet) capabilities(label string, names []string) {
	if len(names) == 0 {
		s.line(label, "none")
		return
	}
	s.words(label, append([]string{fmt.Sprintf("%d: %s", len(names), names[0])}, names[1:]...))
}

func sameWords(a, b []string) bool { return strings.Join(a, ",") == strings.Join(b, ",") }

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// hints writes what follows for security.
func (s *sheet) hints(list []graph.Hint) {
	if len(list) == 0 {
		return
	}
	s.title("isolation", "")
	for _, h := range list {
		s.b.WriteString("  " + s.o.Paint(Warning, s.clean("! "+h.Text)) + "\n")
	}
}

// user writes a user namespace: how it maps ids, and its owners.
func (s *sheet) user(u *graph.UserProfile) {
	s.title("user namespace", nsName(inspect.User, u.NS)+hostMark(u.Host))
	s.idMap(u.IDMap, u.Host)
	above := u.Chain
	if len(above) > 0 {
		if o := above[0]; o.OwnerUID != nil && len(above) > 1 {
			s.line("made by", nameAndID(o.OwnerUser, *o.OwnerUID))
		}
		above = above[1:]
	}
	s.owners("lies in", above, u.Whole)
}

// idMap writes how ids are mapped. The map of the host's own user namespace
// leads to its parent, see inspect.IDMap.
func (s *sheet) idMap(m *inspect.IDMap, host *bool) {
	if m == nil {
		s.line("id map", "not known")
		return
	}
	outside := outsideWords(host)
	s.line("user ids", graph.MapWords(m.UID, outside)...)
	if slices.Equal(m.UID, m.GID) {
		s.line("group ids", "the same")
	} else {
		s.line("group ids", graph.MapWords(m.GID, outside)...)
	}
	s.line("setgroups", m.Setgroups)
}

// owners writes a chain of user namespaces, one a line.
func (s *sheet) owners(label string, chain []graph.Owner, whole bool) {
	var lines []string
	for _, o := range chain {
		line := nsName(inspect.User, o.NS) + hostMark(o.Host)
		if o.OwnerUID != nil && (o.Host == nil || !*o.Host) {
			line += ", made by " + nameAndID(o.OwnerUser, *o.OwnerUID)
		}
		lines = append(lines, line)
	}
	if !whole {
		lines = append(lines, "(what is above is not known)")
	}
	s.line(label, lines...)
}

func nsName(t inspect.Type, ino uint64) string { return fmt.Sprintf("%s:[%d]", t, ino) }

func hostMark(host *bool) string {
	if host != nil && *host {
		return ", the host's"
	}
	return ""
}

// limits writes how many namespaces a user may have, beside how many of each
// kind were seen.
func (s *sheet) limits(list []graph.Limit) {
	if len(list) == 0 {
		return
	}
	s.title("limits", "on the namespaces of a user in the host's user namespace (and how many are in sight)")
	words := make([]string, len(list))
	for i, l := range list {
		words[i] = fmt.Sprintf("%s %d (%d)", l.Type, l.Limit, l.Seen)
	}
	s.words("at most", words)
}
