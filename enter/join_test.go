package enter_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nsinspect/inspect/live/livetest"
)

// everything but user: what root joins of a container.
var container = []string{"--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--time", "--mount-proc"}

func TestJoinAll(t *testing.T) {
	livetest.Root(t)
	pid := target(t, 0, container...)
	kinds := []string{"cgroup", "ipc", "mnt", "net", "pid", "time", "uts"}
	enter(t, append([]string{"-p", itoa(pid)}, showLinks(kinds...)...)...).says(t, 0, links(t, itoa(pid), kinds...))
	// The command sees itself in the target's /proc, and its status comes back.
	r := enter(t, itoa(pid), "--", "sh", "-c", `test -r /proc/$$/stat && test "$(cat /proc/1/comm)" = sleep && exit 7`)
	r.says(t, 7, "")
}

func TestJoinOnlyWhatIsNamed(t *testing.T) {
	livetest.Root(t)
	pid := target(t, 0, container...)
	args := append([]string{"-p", itoa(pid), "--uts", "--net"}, showLinks(allKinds...)...)
	want := links(t, itoa(pid), "net") + links(t, itoa(pid), "uts")
	for _, k := range allKinds {
		if k != "net" && k != "uts" {
			want += links(t, "self", k)
		}
	}
	sortLines := func(s string) string {
		lines := strings.Split(s, "\n")
		out := ""
		for _, k := range allKinds {
			for _, l := range lines {
				if strings.HasPrefix(l, k+":") {
					out += l + "\n"
				}
			}
		}
		return out
	}
	enter(t, args...).says(t, 0, sortLines(want))
}

func TestJoinAndMake(t *testing.T) {
	livetest.Root(t)
	pid := target(t, 0, "--net")
	r := enter(t, append([]string{itoa(pid), "--net", "--new-uts", "--new-mnt", "--hostname", "box"},
		"--", "sh", "-c", "readlink /proc/self/ns/net; readlink /proc/self/ns/uts; readlink /proc/self/ns/mnt; hostname")...)
	lines := strings.Split(r.out, "\n")
	if r.code() != 0 || len(lines) != 5 || lines[0]+"\n" != links(t, itoa(pid), "net") || lines[3] != "box" {
		t.Fatalf("status %d, %q, %s", r.code(), r.out, r.err)
	}
	for i, k := range []string{1: "uts", 2: "mnt"} {
		if k != "" && lines[i]+"\n" == links(t, "self", k) {
			t.Errorf("%s is not new", k)
		}
	}
}

// A user who made namespaces may join them, without any privilege outside.
func TestUserJoinsOwn(t *testing.T) {
	livetest.Root(t)
	pid := target(t, nobody, "--user", "--map-root-user", "--mount")
	r := enterAs(t, nobody, append([]string{itoa(pid)}, showLinks("mnt", "user")...)...)
	r.says(t, 0, links(t, itoa(pid), "mnt", "user"))
	enterAs(t, nobody, itoa(pid), "--", "id", "-u").says(t, 0, "0\n")
	enterAs(t, nobody, itoa(pid), "--preserve-credentials", "--", "id", "-u").says(t, 0, "0\n") // mapped to 0 anyway
	enterAs(t, nobody, itoa(pid), "--mnt", "--", "true").fails(t, 125, "mnt", "--user")
}

// user of one process, net of another.
func TestKindsOfDifferentProcesses(t *testing.T) {
	livetest.Root(t)
	user := target(t, nobody, "--user", "--map-root-user")
	other := target(t, 0, "--net")
	r := enter(t, append([]string{fmt.Sprintf("--user=/proc/%d/ns/user", user), fmt.Sprintf("--net=/proc/%d/ns/net", other)},
		showLinks("user", "net")...)...)
	r.says(t, 0, links(t, itoa(user), "user")+links(t, itoa(other), "net"))
	r = enter(t, append([]string{itoa(other), "--net", fmt.Sprintf("--user=/proc/%d/ns/user", user)}, showLinks("user", "net")...)...)
	r.says(t, 0, links(t, itoa(user), "user")+links(t, itoa(other), "net"))
}

func TestJoinByFile(t *testing.T) {
	livetest.Root(t)
	pid := target(t, 0, "--net")
	file := fmt.Sprintf("/proc/%d/ns/net", pid)
	enter(t, append([]string{"--net=" + file}, showLinks("net")...)...).says(t, 0, links(t, itoa(pid), "net"))
	enter(t, append([]string{file}, showLinks("net")...)...).says(t, 0, links(t, itoa(pid), "net"))
	enter(t, "--uts="+file, "--", "true").fails(t, 125, "is a net namespace, not uts", "--net=")
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	enter(t, "--net="+plain, "--", "true").fails(t, 125, "is not a namespace file")
	enter(t, "--net=/no/such/file", "--", "true").fails(t, 125, "/no/such/file", "no such file")
}

// A socket stays in the network namespace that it was made in.
func TestJoinBySocket(t *testing.T) {
	livetest.Root(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// A process in another network namespace holds a socket of this one.
	path, err := exec.LookPath("unshare")
	if err != nil {
		livetest.Skip(t, "unshare (util-linux)")
	}
	cmd := exec.Command(path, "--net", "sh", "-c", "echo ready; read x")
	cmd.ExtraFiles = []*os.File{f}
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = cmd.Wait() }()
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	holder := cmd.Process.Pid
	other := target(t, 0, "--net")
	r := enter(t, "--net-of-fd", fmt.Sprintf("%d:3", holder), "--new-uts", "--", "readlink", "/proc/self/ns/net")
	r.says(t, 0, links(t, "self", "net"))
	// And from elsewhere, so that it is really joined.
	inner := exec.Command("nsenter", "--net=/proc/"+itoa(other)+"/ns/net", built(t), "enter", "--net-of-fd", fmt.Sprintf("%d:3", holder), "--", "readlink", "/proc/self/ns/net")
	finish(t, inner).says(t, 0, links(t, "self", "net"))
	enter(t, "--net-of-fd", fmt.Sprintf("%d:0", holder), "--", "true").fails(t, 125, "not a socket")
}

// What cannot be, is explained: with the step and a status of our own.
func TestJoinFailures(t *testing.T) {
	livetest.Root(t)
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	enter(t, "-p", itoa(gone.Process.Pid), "--", "true").fails(t, 125, "no such process")
	pid := target(t, 0, "--pid", "--mount-proc")
	// From inside, the pid namespace above cannot be joined.
	cmd := command(t, 0, "-p", itoa(pid), "--", built(t), "enter", "--pid=/dev/fd/0", "--", "true")
	f, err := os.Open("/proc/self/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd.Stdin = f
	finish(t, cmd).fails(t, 125, "join the pid", "ancestor")
	enterAs(t, nobody, "-p", itoa(pid), "--", "true").fails(t, 125, "CAP_SYS_PTRACE", "sudo")
	enter(t, "nosuchcontainer", "--", "true").fails(t, 125, "nosuchcontainer", "not found")
	enter(t).fails(t, 125, "needs a target")
	enter(t, "--net", "--", "true").fails(t, 125, "--net needs a target")
	enter(t, "--nonsense").fails(t, 125, "nonsense")
	enter(t, itoa(pid), "--hostname", "x", "--", "true").fails(t, 125, "--new-uts")
}

func TestDryRun(t *testing.T) {
	livetest.Root(t)
	pid := target(t, 0, "--net", "--uts")
	r := enter(t, "--dry-run", "-p", itoa(pid), "--net", "--uts", "--", "ls", "-l")
	for _, want := range []string{"join the uts and net namespaces of process", "needs CAP_SYS_ADMIN in user:[", "run ls -l", "nsenter -t " + itoa(pid) + " --uts --net ls -l"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("does not say %q:\n%s", want, r.out)
		}
	}
	// Looking takes no privilege; what would be refused is told.
	r = enterAs(t, nobody, "--dry-run", "-p", itoa(pid), "--net", "--", "ls")
	if r.code() != 0 || !strings.Contains(r.out, "would fail") || !strings.Contains(r.out, "hint: ") {
		t.Errorf("status %d: %s%s", r.code(), r.out, r.err)
	}
}

func TestHelpIsText(t *testing.T) {
	r := enter(t, "--help")
	if r.code() != 0 || !strings.Contains(r.out, "--net FILE[=target]") {
		t.Errorf("status %d: %s%s", r.code(), r.out, r.err)
	}
	for _, c := range r.out {
		if c < ' ' && c != '\n' && c != '\t' {
			t.Fatalf("control byte %q in the help", c)
		}
	}
}
