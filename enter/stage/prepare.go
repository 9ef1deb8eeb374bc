package stage

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNotSupported is returned on an architecture that has no machine.
var ErrNotSupported = errors.New("entering namespaces is not supported on " + runtime.GOARCH + ", only on amd64 and arm64")

const fileName = "nsinspect-enter" // shown as /memfd:nsinspect-enter

// File is an unnamed file for an image. Its descriptor is known before the
// program is, because the program closes it.
type File struct {
	fd     int
	memory bool // a memfd, which can be sealed
}

// NewFile makes an unnamed file that may be executed: a memory file, or
// where vm.memfd_noexec forbids these, an O_TMPFILE in a directory that is not
// mounted noexec. The caller closes it.
func NewFile() (*File, error) {
	if !Supported {
		return nil, ErrNotSupported
	}
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(fileName, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(fileName, flags)
	}
	if err == nil {
		return &File{fd: fd, memory: true}, nil
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/run", "/dev/shm", os.Getenv("TMPDIR"), "/tmp", "/var/tmp"} {
		if fd, ok := unnamed(dir); ok {
			return &File{fd: fd}, nil
		}
	}
	return nil, fmt.Errorf("make a file to execute: %w; no directory for one without noexec either", os.NewSyscallError("memfd_create", err))
}

func unnamed(dir string) (fd int, ok bool) {
	if dir == "" {
		return -1, false
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC, 0o500)
	if err != nil {
		return -1, false
	}
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil || fs.Flags&unix.ST_NOEXEC != 0 {
		unix.Close(fd)
		return -1, false
	}
	return fd, true
}

// FD is the descriptor of the file.
func (f *File) FD() int { return f.fd }

// Path names the file for execve(2), as long as /proc is that of this host.
func (f *File) Path() string { return "/proc/self/fd/" + strconv.Itoa(f.fd) }

// Close gives the file up.
func (f *File) Close() error { return unix.Close(f.fd) }

// Write puts the image of p into the file and takes all ways to change it
// away: whoever sees the file as /proc/PID/exe can but read it.
func (f *File) Write(p *Program) error {
	program, err := p.Assemble(Base)
	if err != nil {
		return err
	}
	for _, part := range [][]byte{hostArch.head(machineCode(), len(program)), program} {
		if err := f.write(part); err != nil {
			return os.NewSyscallError("write the stage", err)
		}
	}
	if err := unix.Fchmod(f.fd, 0o555); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	if f.memory {
		return f.seal()
	}
	return f.reopen()
}

func (f *File) write(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(f.fd, b)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (f *File) seal() error {
	// Not known before Linux 6.3: the mode could be changed by its owner, the
	// contents could not.
	_, _ = unix.FcntlInt(uintptr(f.fd), unix.F_ADD_SEALS, unix.F_SEAL_EXEC)
	_, err := unix.FcntlInt(uintptr(f.fd), unix.F_ADD_SEALS,
		unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	return os.NewSyscallError("seal the stage", err)
}

// reopen replaces the descriptor by one for reading: a file that is open for
// writing cannot be executed (ETXTBSY), and one that is executed cannot be
// opened for writing.
func (f *File) reopen() error {
	ro, err := unix.Open(f.Path(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("reopen the stage: %w", err)
	}
	defer unix.Close(ro)
	return os.NewSyscallError("dup3", unix.Dup3(ro, f.fd, unix.O_CLOEXEC))
}

// Guard makes the program end with status 126 when it is run from any other
// descriptor than that of f, which is open in the first run alone. So a
// "#!/proc/self/exe" in a container does not run the stage again.
func (f *File) Guard(p *Program) {
	p.Must(Failure{Step: "refused: the stage was run a second time", Exit: 126}, unix.SYS_CLOSE, p.Const(int64(f.fd)))
}

// Exec replaces this process by the program in f. The descriptors in keep
// stay open in it. It returns only on failure.
func (f *File) Exec(keep []int) error {
	for _, fd := range append([]int{f.fd}, keep...) {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return os.NewSyscallError("clear close-on-exec", err)
		}
	}
	// An empty environment: /proc/PID/environ of the stage tells nothing.
	return os.NewSyscallError("execve", syscall.Exec(f.Path(), []string{fileName}, nil))
}

// Spawn starts the program in f as a child of this process. attr.Files are
// its first descriptors; those in keep stay open in it under their numbers.
func (f *File) Spawn(keep []int, attr *syscall.ProcAttr) (pid int, err error) {
	const none = ^uintptr(0)
	files := append([]uintptr{}, attr.Files...)
	for _, fd := range append([]int{f.fd}, keep...) {
		for len(files) <= fd {
			files = append(files, none)
		}
		files[fd] = uintptr(fd)
	}
	child := *attr
	child.Files, child.Env = files, []string{}
	pid, err = syscall.ForkExec(f.Path(), []string{fileName}, &child)
	return pid, os.NewSyscallError("fork the stage", err)
}
