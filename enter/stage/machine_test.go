package stage

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage/interp"
	"nsinspect/inspect/live/livetest"
)

// numbers are the system calls that the pure programs make.
type numbers struct{ write, exit, badFD uintptr }

var (
	hostNumbers  = numbers{unix.SYS_WRITE, unix.SYS_EXIT_GROUP, unix.SYS_CLOSE}
	arm64Numbers = numbers{64, 94, 57} // asm-generic/unistd.h
)

// randomProgram does arithmetic, loads, stores and jumps forward on a few
// cells, with a failing system call here and there, writes all of the cells
// to standard output and ends with a status of theirs.
func randomProgram(r *rand.Rand, nr numbers) *Program {
	p := New()
	cells := make([]Cell, 8)
	for i := range cells {
		cells[i] = p.Var(int64(r.Uint64() >> r.IntN(64)))
	}
	pick := func() Cell { return cells[r.IntN(len(cells))] }
	area := p.Buffer(64)
	var open []Label
	for range 60 {
		switch r.IntN(10) {
		case 0:
			p.Store(area+Addr(8*r.IntN(8)), pick())
		case 1:
			p.Move(pick(), p.Load(area+Addr(8*r.IntN(8))))
		case 2:
			l := p.NewLabel()
			p.JumpLess(pick(), pick(), l)
			open = append(open, l)
		case 3:
			l, a := p.NewLabel(), pick()
			p.JumpEqual(a, [2]Cell{a, pick()}[r.IntN(2)], l)
			open = append(open, l)
		case 4:
			l := p.NewLabel()
			p.Move(pick(), p.SyscallTo(l, nr.badFD, p.Const(-1)))
			open = append(open, l)
		default:
			p.Set(pick(), []Code{Add, Sub, And, Shl, Shr}[r.IntN(5)], pick(), pick())
		}
		if len(open) > 0 && r.IntN(3) == 0 {
			p.Place(open[0])
			open = open[1:]
		}
	}
	for _, l := range open {
		p.Place(l)
	}
	for i, c := range cells {
		p.Store(area+Addr(8*i), c)
	}
	p.Try(nr.write, p.Const(1), p.Address(area), p.Const(64))
	p.Try(nr.exit, p.Compute(And, cells[0], p.Const(63)))
	return p
}

// interpret runs an assembled program in the reference and returns what it
// wrote and its status.
func interpret(t *testing.T, program []byte, nr numbers) (out []byte, status int) {
	t.Helper()
	err := interp.Run(program, Base, func(c interp.Call, m *interp.Memory) (int64, error) {
		switch uintptr(c.Nr) {
		case nr.write:
			out = append(out, m.Read(c.Args[1], int(c.Args[2]))...)
			return int64(c.Args[2]), nil
		case nr.exit:
			status = int(c.Args[0])
			return 0, interp.ErrEnd
		case nr.badFD:
			return -int64(unix.EBADF), nil
		}
		return 0, fmt.Errorf("system call %d", c.Nr)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, status
}

func run(t *testing.T, cmd *exec.Cmd) (out []byte, status int) {
	t.Helper()
	var buf bytes.Buffer
	cmd.Stdout, cmd.Stderr = &buf, &buf
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if !cmd.ProcessState.Exited() {
		t.Fatalf("%v", cmd.ProcessState)
	}
	return buf.Bytes(), cmd.ProcessState.ExitCode()
}

// differ runs random programs in the machine of an architecture and in the
// reference, and fails where these differ.
func differ(t *testing.T, a arch, machine []byte, nr numbers, count int, command func(path string) *exec.Cmd) {
	dir := t.TempDir()
	for seed := range count {
		p := randomProgram(rand.New(rand.NewPCG(uint64(seed), 1)), nr)
		program, err := p.Assemble(Base)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprint(seed))
		if err := os.WriteFile(path, append(a.head(machine, len(program)), program...), 0o700); err != nil {
			t.Fatal(err)
		}
		gotOut, got := run(t, command(path))
		wantOut, want := interpret(t, program, nr)
		if got != want || !bytes.Equal(gotOut, wantOut) {
			t.Fatalf("seed %d: machine: status %d, cells %x\nreference: status %d, cells %x", seed, got, gotOut, want, wantOut)
		}
	}
}

func TestMachineAgreesWithReference(t *testing.T) {
	if !Supported {
		livetest.Skip(t, "a machine for "+runtime.GOARCH)
	}
	differ(t, hostArch, machineCode(), hostNumbers, 100, func(path string) *exec.Cmd { return exec.Command(path) })
}

// TestARM64MachineAgreesWithReference takes the machine of arm64 from a
// cross-compiled test binary and runs it under qemu.
func TestARM64MachineAgreesWithReference(t *testing.T) {
	if runtime.GOARCH == "arm64" {
		return // TestMachineAgreesWithReference is about it
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		livetest.Skip(t, "qemu-aarch64-static (Debian package qemu-user-static)")
	}
	binary := filepath.Join(t.TempDir(), "stage.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	machine := symbol(t, binary, "nsinspect/enter/stage.machine")
	machine = machine[:bytes.Index(machine, machineEnd[:])]
	differ(t, archARM64, machine, arm64Numbers, 60, func(path string) *exec.Cmd { return exec.Command(qemu, path) })
}

// symbol returns the bytes of a function of an ELF file.
func symbol(t *testing.T, path, name string) []byte {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	text := f.Section(".text")
	for _, s := range symbols {
		if s.Name == name || s.Name == name+".abi0" {
			b := make([]byte, s.Size)
			if _, err := text.ReadAt(b, int64(s.Value-text.Addr)); err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("%s has no symbol %s", path, name)
	return nil
}

func TestImageIsReadOnlyOrNotExecutable(t *testing.T) {
	for name, a := range map[string]arch{"amd64": archAMD64, "arm64": archARM64} {
		f, err := elf.NewFile(bytes.NewReader(append(a.head(make([]byte, 300), 1000), make([]byte, 1000)...)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if f.Entry != codeBase+codeStart {
			t.Errorf("%s: entry %#x", name, f.Entry)
		}
		for _, s := range f.Progs {
			if s.Flags&elf.PF_W != 0 && s.Flags&elf.PF_X != 0 {
				t.Errorf("%s: %v is writable and executable", name, s.ProgHeader)
			}
			if s.Type == elf.PT_LOAD && (s.Vaddr-s.Off)%s.Align != 0 {
				t.Errorf("%s: %v is not aligned", name, s.ProgHeader)
			}
		}
	}
}

func TestMachineIsSmall(t *testing.T) {
	if n := len(machineCode()); Supported && (n < 100 || n > 400) {
		t.Errorf("the machine has %d bytes", n)
	}
	if binary.Size(machineEnd) != 16 {
		t.Error("the end mark has another size than in the assembly")
	}
}
