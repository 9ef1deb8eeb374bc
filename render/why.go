package render

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// Why is the view of what keeps the namespaces of a target alive.
type Why struct{ Doc *WhyDocument }

// WhyDocument is the JSON of nsinspect why.
type WhyDocument struct {
	Target     string            `json:"target"`
	Namespaces []graph.Why       `json:"namespaces"`
	Census     *inspect.Census   `json:"census,omitempty"`
	Problems   []inspect.Problem `json:"problems"`
	Format     int               `json:"format"`
}

// Document returns the document.
func (v Why) Document() any { return v.Doc }

// Targets returns the words for the namespaces.
func (v Why) Targets() []string {
	var words []string
	for i := range v.Doc.Namespaces {
		words = append(words, nsName(v.Doc.Namespaces[i].Type, v.Doc.Namespaces[i].NS))
	}
	return words
}

// Text writes a tree for each namespace, what would free it, and what is not
// known. The host's own namespaces are told in one line beside others.
func (v Why) Text(w io.Writer, _ bool, o Options) error {
	s := newSheet(o)
	all := v.Doc.Namespaces
	hosts := func(n graph.Why) bool { return n.Host != nil && *n.Host }
	if slices.ContainsFunc(all, func(n graph.Why) bool { return !hosts(n) }) && slices.ContainsFunc(all, hosts) {
		var names []string
		for i := range all {
			if hosts(all[i]) {
				names = append(names, nsName(all[i].Type, all[i].NS))
			}
		}
		s.words("the host's", names)
		all = slices.DeleteFunc(slices.Clone(all), hosts)
	}
	for i := range all {
		s.why(&all[i])
	}
	s.census(v.Doc.Census)
	return s.writeTo(w)
}

// why writes one namespace.
func (s *sheet) why(w *graph.Why) {
	s.title(nsName(w.Type, w.NS), whyNote(w))
	t := holderTree{o: s.o}
	t.add(w.Holders, 1, len(w.Holders))
	if len(w.Candidates) > 0 {
		t.line(1, Faint, "candidates: the kernel does not say which namespace these hold")
		t.add(w.Candidates, 2, len(w.Candidates))
	}
	if len(t.texts) == 0 {
		t.line(1, Faint, "nothing that can be seen")
	}
	for i, prefix := range Branches(append([]int{0}, t.depths...), s.o.ASCII)[1:] {
		s.b.WriteString(prefix + " " + s.o.Paint(t.styles[i], s.clean(t.texts[i])) + "\n")
	}
	if len(w.Free) > 0 {
		s.b.WriteString("  " + s.o.Paint(Faint, "to free it"+allOf(w.Free)) + "\n")
	}
	for i, r := range w.Free {
		if i == 12 {
			s.b.WriteString(fmt.Sprintf("    … and %d more\n", len(w.Free)-i))
			break
		}
		text := "    " + s.clean(r.Text)
		if r.Command != "" {
			text += ": " + s.o.Paint(Name, s.clean(r.Command))
		}
		s.b.WriteString(text + "\n")
	}
	for _, u := range w.Unknown {
		s.b.WriteString("  " + s.o.Paint(Faint, s.clean("note: "+u)) + "\n")
	}
}

func allOf(free []graph.Remedy) string {
	if len(free) > 1 {
		return ", all of"
	}
	return ""
}

func whyNote(w *graph.Why) string {
	note := kindWords(w.Type) + hostMark(w.Host)
	if len(w.Names) > 0 {
		note += ", " + strings.Join(w.Names, ", ")
	}
	if w.RefCount != nil {
		note += ", refs " + strconv.Itoa(*w.RefCount)
		if w.Explained != nil && !hasTask(w.Holders) {
			note += ", explained " + strconv.Itoa(*w.Explained)
		}
	}
	return note
}

func hasTask(list []graph.Holder) bool {
	return slices.ContainsFunc(list, func(h graph.Holder) bool {
		return h.Kind == graph.HolderTask || h.Kind == graph.HolderThread || h.Kind == graph.HolderChildren
	})
}

// holderTree gathers the lines of a tree of holders.
type holderTree struct {
	o      Options
	depths []int
	styles []Style
	texts  []string
}

func (t *holderTree) line(depth int, st Style, text string) {
	t.depths, t.styles, t.texts = append(t.depths, depth), append(t.styles, st), append(t.texts, text)
}

// shownAtOnce is how many holders of one namespace are shown.
const shownAtOnce = 40

func (t *holderTree) add(list []graph.Holder, depth, total int) {
	for i := range list {
		if i == shownAtOnce {
			t.line(depth, Faint, fmt.Sprintf("… and %d more (-o json has all)", total-i))
			return
		}
		h := &list[i]
		t.line(depth, Plain, holderText(h))
		for j, sk := range h.Sockets {
			if j == 6 {
				t.line(depth+1, Faint, fmt.Sprintf("… and %d more", len(h.Sockets)-j))
				break
			}
			t.line(depth+1, Plain, socketText(sk))
		}
		t.add(h.Holders, depth+1, len(h.Holders))
		if h.More > 0 {
			t.line(depth+1, Faint, fmt.Sprintf("… and %d more", h.More))
		}
	}
}

// holderText says one holder in a line.
func holderText(h *graph.Holder) string {
	switch h.Kind {
	case graph.HolderTask:
		return taskText(h)
	case graph.HolderThread:
		return fmt.Sprintf("thread %d of %s", h.TID, procText(h))
	case graph.HolderChildren:
		return "the next child of " + threadOf(h) + procText(h)
	case graph.HolderChild:
		return nsName(h.Type, *h.NS) + nameText(h) + " is below it"
	case graph.HolderOwned:
		return "owns " + nsName(h.Type, *h.NS) + nameText(h)
	case graph.HolderKind(inspect.RefMount):
		return mountText(h)
	}
	text := fdsText(h) + " of " + threadOf(h) + procText(h)
	for _, more := range [][]string{h.Paths, h.Interfaces} {
		if len(more) > 0 && h.Kind != graph.HolderKind(inspect.RefSocket) {
			text += ": " + strings.Join(more[:min(len(more), 4)], ", ")
		}
	}
	return text
}

func taskText(h *graph.Holder) string {
	if h.Count == 1 {
		return procText(h)
	}
	text := count(h.Count, "process", "processes")
	if h.Container != nil {
		text += " of container " + h.Container.Name
	} else if h.Unit != "" && (h.Host == nil || !*h.Host) {
		text += " of " + h.Unit
	}
	return fmt.Sprintf("%s, the first %d%s", text, h.PID, quoted(h.Command))
}

func procText(h *graph.Holder) string {
	if h.Lead == nil {
		return "a process"
	}
	text := fmt.Sprintf("process %d%s", h.PID, quoted(h.Command))
	switch {
	case h.Container != nil:
		text += " in container " + h.Container.Name
	case h.Unit != "":
		text += " of " + h.Unit
	}
	return text
}

func quoted(command *string) string {
	if command == nil {
		return ""
	}
	return " (" + *command + ")"
}

func threadOf(h *graph.Holder) string {
	if h.TID == 0 {
		return ""
	}
	return fmt.Sprintf("thread %d of ", h.TID)
}

func nameText(h *graph.Holder) string {
	if h.Name == "" {
		return ""
	}
	return " (" + h.Name + ")"
}

func mountText(h *graph.Holder) string {
	text := "mounted at " + strings.Join(h.Paths, ", ")
	switch {
	case h.NS == nil:
	case h.Host != nil && *h.Host:
		text += " in the host's mount namespace"
	default:
		text += " in " + nsName(inspect.Mnt, *h.NS)
	}
	return text
}

// kindOf says what sort of descriptor it is.
var descriptorWords = [...]struct {
	kind      inspect.RefKind
	one, many string
}{
	{inspect.RefFD, "fd", "fds"},
	{inspect.RefSocket, "socket: fd", "sockets: fds"},
	{inspect.RefTun, "tun device: fd", "tun devices: fds"},
	{inspect.RefIOUring, "registered with the io_uring of fd", "registered with the io_urings of fds"},
	{inspect.RefInotify, "watched by the inotify of fd", "watched by the inotifies of fds"},
	{inspect.RefFanotify, "watched by the fanotify of fd", "watched by the fanotifies of fds"},
	{inspect.RefInFlight, "in flight, waiting in the socket of fd", "in flight, waiting in the sockets of fds"},
	{inspect.RefProcNet, "open file of /proc: fd", "open files of /proc: fds"},
	{inspect.RefMountinfo, "open list of mounts: fd", "open lists of mounts: fds"},
	{inspect.RefPidfd, "pidfd of a process that has ended: fd", "pidfds of processes that have ended: fds"},
}

// fdsText names descriptors: "fd 17", "42 fds 3, 4, 5, …".
func fdsText(h *graph.Holder) string {
	one, many := string(h.Kind), string(h.Kind)
	for _, d := range descriptorWords {
		if graph.HolderKind(d.kind) == h.Kind {
			one, many = d.one, d.many
		}
	}
	if len(h.FDs) == 1 {
		return fmt.Sprintf("%s %d", one, h.FDs[0])
	}
	var numbers []string
	for i, fd := range h.FDs {
		if i == 6 {
			numbers = append(numbers, "…")
			break
		}
		numbers = append(numbers, strconv.Itoa(fd))
	}
	return fmt.Sprintf("%d %s %s", h.Count, many, strings.Join(numbers, ", "))
}

func socketText(sk graph.Socket) string {
	text := fmt.Sprintf("fd %d %s", sk.FD, sk.Protocol)
	switch {
	case sk.Listening && sk.Local != "":
		text += " listening on " + sk.Local
	case sk.Listening:
		text += " listening"
	case sk.Local != "" && sk.Remote != "":
		text += " " + sk.Local + " → " + sk.Remote
	case sk.Remote != "":
		text += " → " + sk.Remote
	case sk.Local != "":
		text += " " + sk.Local
	}
	return text
}

// census writes how complete a deep capture is.
func (s *sheet) census(c *inspect.Census) {
	if c == nil {
		return
	}
	s.title("census", CensusWords(c))
	for _, step := range c.Steps {
		switch {
		case step.Skipped != "":
			s.line(step.Name, "skipped: "+step.Skipped)
		default:
			s.line(step.Name, "found "+strconv.Itoa(len(step.Found))+join(step.Note)+join(step.Effect))
		}
	}
	for i, run := range c.Unknown {
		if i == 8 {
			s.line("unknown", fmt.Sprintf("… and %d more", len(c.Unknown)-i))
			break
		}
		s.line("unknown", fmt.Sprintf("%s from %d on: looks like %s", count(run.Count, "inode", "inodes"), run.First, looksWords(run)))
	}
}

func join(s string) string {
	if s == "" {
		return ""
	}
	return "; " + s
}

// CensusWords says the result of a census.
func CensusWords(c *inspect.Census) string {
	if c.Complete {
		return "complete: nothing is unaccounted for"
	}
	n := 0
	for _, run := range c.Unknown {
		n += run.Count
	}
	if n == 0 {
		return "not taken: whether something is hidden is not known"
	}
	return count(n, "inode is", "inodes are") + " in use by something unknown"
}

func looksWords(run inspect.InodeRun) string {
	if run.Looks == inspect.Net {
		return count(max(1, (run.Count+35)/70), "network namespace", "network namespaces")
	}
	return "a namespace of another kind, or a file of /proc"
}

// ageWords says how old something can be at most.
func ageWords(seconds *int64) string {
	if seconds == nil {
		return ""
	}
	return "≤ " + graph.DurationWords(time.Duration(*seconds)*time.Second)
}
