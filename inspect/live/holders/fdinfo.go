package holders

import (
	"encoding/hex"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// anonFile looks at the fdinfo of an anonymous inode that can hold files.
func (w *worker) anonFile(num int, text []byte) {
	if !w.Files {
		return
	}
	kind := string(text[len("anon_inode:"):])
	switch kind {
	case "[io_uring]", "inotify", "[fanotify]", "[pidfd]":
	default:
		return
	}
	info, err := w.fdinfo(num)
	if err != nil {
		w.report("read fdinfo", fdPath(w.pid, w.tid, strconv.Itoa(num)), w.pid, err)
		return
	}
	for _, p := range parseFdinfo(info) {
		w.pinned(num, kind, p)
	}
}

// fdinfo reads /proc/PID/fdinfo/N.
func (w *worker) fdinfo(num int) (string, error) {
	fd, err := unix.Openat(w.Proc, w.rel("fdinfo/")+strconv.Itoa(num), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	w.file = w.file[:0]
	for {
		if len(w.file) == cap(w.file) {
			w.file = append(w.file, make([]byte, len(w.file)+4096)...)[:len(w.file)]
		}
		n, err := unix.Read(fd, w.file[len(w.file):cap(w.file)])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return string(w.file), err
		}
		w.file = w.file[:len(w.file)+n]
	}
}

// pin is one thing that a line of fdinfo says is held.
type pin struct {
	kind   inspect.RefKind
	dev    uint64 // of the file; 0 when only the text of a link is known
	ino    uint64
	typ    inspect.Type // zero when unknown
	serial uint64       // 64-bit id, 0 when unknown
	slot   int          // of a registered file
	text   string       // of a registered file
}

// parseFdinfo parses what /proc/PID/fdinfo/N says of held files, see
// proc_pid_fdinfo(5), inotify(7), fanotify(7):
//
//	inotify wd:1 ino:f0000012 sdev:4 mask:2 ignored_mask:0 fhandle-bytes:10 fhandle-type:f1 f_handle:…
//	fanotify ino:f0000012 sdev:4 mflags:0 mask:20 ignored_mask:0 fhandle-bytes:…
//	UserFiles:	2
//	    0: net:[4026532299]
//	Pid:	-1
func parseFdinfo(text string) []pin {
	var pins []pin
	files := false
	for line := range strings.Lines(text) {
		key, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case key == "inotify" || key == "fanotify":
			if p, ok := parseMark(inspect.RefKind(key), rest); ok {
				pins = append(pins, p)
			}
		case strings.HasPrefix(key, "UserFiles:"):
			files = true
		case files && line[0] == ' ':
			if p, ok := parseUserFile(key, rest); ok {
				pins = append(pins, p)
			}
		case key == "Pid:\t-1":
			pins = append(pins, pin{kind: inspect.RefPidfd})
		default:
			files = false
		}
	}
	return pins
}

// parseMark parses the fields of a watch. sdev is the kernel's dev_t: twelve
// bits of major, twenty of minor.
func parseMark(kind inspect.RefKind, fields string) (pin, bool) {
	p := pin{kind: kind}
	for f := range strings.FieldsSeq(fields) {
		key, value, _ := strings.Cut(f, ":")
		switch key {
		case "ino":
			p.ino, _ = strconv.ParseUint(value, 16, 64)
		case "sdev":
			dev, _ := strconv.ParseUint(value, 16, 32)
			p.dev = unix.Mkdev(uint32(dev>>20), uint32(dev&(1<<20-1)))
		case "f_handle":
			if b, err := hex.DecodeString(value); err == nil {
				p.serial, p.typ, _, _ = nsfs.ParseHandle(b)
			}
		}
	}
	return p, p.ino != 0 && p.dev != 0
}

// parseUserFile parses a registered file: "    0: net:[4026532299]".
func parseUserFile(slot, text string) (pin, bool) {
	n, err := strconv.Atoi(strings.TrimSuffix(slot, ":"))
	if err != nil || text == "" || text == "<none>" || !strings.HasSuffix(slot, ":") {
		return pin{}, false
	}
	p := pin{kind: inspect.RefIOUring, slot: n, text: text}
	p.typ, p.ino, _ = inspect.ParseLink(text)
	return p, p.ino != 0
}

// pinned records what a line of fdinfo says.
func (w *worker) pinned(num int, kind string, p pin) {
	r := inspect.Ref{Kind: p.kind, FD: num, Path: "anon_inode:" + kind, Slot: p.slot}
	switch p.kind {
	case inspect.RefPidfd:
		if kind != "[pidfd]" {
			return
		}
		r.Candidate = true
	case inspect.RefIOUring:
		r.NS = inspect.ID{Dev: w.NSDev, Ino: p.ino}
	default:
		if p.dev != w.NSDev {
			return
		}
		r.NS = inspect.ID{Dev: p.dev, Ino: p.ino}
	}
	if !r.NS.IsZero() && !w.known(r.NS) {
		w.named(r.NS, p)
	}
	w.ref(r)
}

// named keeps a namespace of which only the name was seen. Where its handle
// is known (Linux 6.18), the kernel is asked for the rest.
func (w *worker) named(id inspect.ID, p pin) {
	if p.serial != 0 && p.typ != 0 {
		h := nsfs.NewHandle(p.serial, p.typ, id.Ino)
		if fd, err := h.Open(); err == nil {
			defer unix.Close(fd)
			if _, err := w.found(fd); err == nil {
				return
			}
		}
	}
	if p.typ == 0 {
		return // a kind that nobody knows: the reference says where to look
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.seen[id]; !ok {
		w.seen[id] = p.typ
		w.res.Namespaces = append(w.res.Namespaces, inspect.Namespace{ID: id, Type: p.typ, Serial: p.serial})
	}
}
