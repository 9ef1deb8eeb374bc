package enter

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// HintError is an error with something that the user can type.
type HintError struct {
	Err  error
	Text string // of the hint
}

func (e *HintError) Error() string { return e.Err.Error() }
func (e *HintError) Unwrap() error { return e.Err }

// Hint is what the user can do.
func (e *HintError) Hint() string { return e.Text }

// fileNS is the handle of a namespace file of the user. A FIFO must not block.
func fileNS(path string) handle { return fileHandle(path, unix.O_RDONLY|unix.O_NONBLOCK) }

// lookFile opens a namespace file and reads what it is of.
func lookFile(r *Request, h *Hold, f *Facts, file File) (FileFacts, error) {
	fd, err := h.open(fileNS(file.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return FileFacts{}, &HintError{err, "nsinspect ls -t " + file.Type.String()}
	}
	if errors.Is(err, fs.ErrPermission) {
		return FileFacts{}, &HintError{err, f.Self.rootHint("SYS_PTRACE")}
	}
	if err != nil {
		return FileFacts{}, err
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return FileFacts{}, fmt.Errorf("statfs %s: %w", quote(file.Path), err)
	}
	if st.Type != unix.NSFS_MAGIC {
		return FileFacts{}, notNamespace(file)
	}
	facts := FileFacts{NS: statNS(fd), Type: typeOf(fd)}
	if facts.Type != 0 && facts.Type != file.Type {
		return FileFacts{}, &HintError{
			fmt.Errorf("%s is a %s namespace, not %s", quote(file.Path), facts.Type, file.Type),
			fmt.Sprintf("use --%s=%s", facts.Type, quote(file.Path)),
		}
	}
	if !file.NS.IsZero() && file.NS != facts.NS {
		return FileFacts{}, fmt.Errorf("%s is no longer %s:[%d]", quote(file.Path), file.Type, file.NS.Ino)
	}
	lookOwner(r, f, facts.NS, fd)
	return facts, nil
}

// notNamespace is the error for a file that is not of nsfs. In the directory
// of ip-netns(8) it is what a network namespace leaves behind that was
// unmounted but not deleted, or whose mount is in another mount namespace.
func notNamespace(file File) error {
	err := fmt.Errorf("%s is not a namespace file", quote(file.Path))
	if name, ok := netnsName(file.Path); ok {
		return &HintError{
			fmt.Errorf("%w but an empty file that a network namespace left behind", err),
			"remove it with: ip netns delete " + quote(name),
		}
	}
	return &HintError{err, "nsinspect ls -t " + file.Type.String()}
}

// netnsName returns the name under which ip-netns(8) knows the file.
func netnsName(path string) (string, bool) {
	dir, name := filepath.Split(filepath.Clean(path))
	return name, dir == "/run/netns/" || dir == "/var/run/netns/"
}

// typeOf asks the kernel of what kind a namespace is; 0 when it does not say
// (before Linux 4.11).
func typeOf(fd int) inspect.Type {
	flag, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err != nil {
		return 0
	}
	for _, t := range inspect.Types {
		if cloneFlags[t] == int64(flag) {
			return t
		}
	}
	return 0
}

// Quote returns s as one word of a shell, without control bytes.
func Quote(s string) string { return quote(s) }

// quote returns s as one word of a shell, which holds no control bytes: it is
// shown, and it is typed.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+=:,@%", r)
	}
	switch {
	case s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0:
		return s
	case utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	// Bash and others know the escapes of Go between $' and '.
	q := strconv.Quote(s)
	return "$'" + strings.ReplaceAll(q[1:len(q)-1], "'", `\'`) + "'"
}

// TypeOf returns the kind of the namespace that a file is of.
func TypeOf(path string) (inspect.Type, error) {
	fd, err := fileNS(path).open()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, &HintError{err, "nsinspect ls"}
	case errors.Is(err, fs.ErrPermission):
		return 0, &HintError{err, "run as root: sudo nsinspect enter …"}
	case err != nil:
		return 0, err
	}
	defer unix.Close(fd)
	if t := typeOf(fd); t != 0 {
		return t, nil
	}
	return 0, notNamespace(File{Type: inspect.Net, Path: path})
}
