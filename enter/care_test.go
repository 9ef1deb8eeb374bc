package enter_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
)

// What a script hands over when its variable is not set, or its container does
// not run, must not have the command run here.
func TestNothingIsNoTarget(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	for _, args := range [][]string{
		{"-p", "0"},
		{"-p", ""},
		{"-p", "", "--new-uts"},
		{"", "--new-uts"},
		{"pid:0"},
		{"self", "--setuid", ""},
		{"self", "--root="},
	} {
		enter(t, append(args, "--", "touch", file)...).fails(t, 125, "nsinspect: error: ")
		if _, err := os.Stat(file); err == nil {
			t.Fatalf("%q ran the command", args)
		}
	}
	enter(t, "self", "--", "touch", file).fails(t, 0, "the command runs here")
}

// shared runs a shell script in a mount namespace whose mounts are shared, as
// those of a host with systemd are. $E is nsinspect enter.
func shared(t *testing.T, script string) result {
	t.Helper()
	livetest.Root(t)
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		livetest.Skip(t, "unshare (util-linux)")
	}
	cmd := exec.Command(unshare, "--mount", "--propagation=private", "sh", "-c", "mount --make-rshared / && "+script)
	cmd.Env = append(os.Environ(), "E="+built(t)+" enter")
	return finish(t, cmd)
}

// A new /proc is not seen outside, however mounts propagate.
func TestProcStaysInside(t *testing.T) {
	for _, how := range []string{"private", "slave", "shared", "unchanged"} {
		r := shared(t, `before=$(grep -c . /proc/self/mountinfo)
$E --new-mnt --new-pid --propagation `+how+` -- sh -c 'echo $$ /proc/[0-9]*' &&
test "$before" = "$(grep -c . /proc/self/mountinfo)" && echo same`)
		r.says(t, 0, "2 /proc/1 /proc/2\nsame\n")
	}
}

// Neither are files that are bound for the command.
func TestBindsStayInside(t *testing.T) {
	for how, code := range map[string]int{"private": 0, "slave": 0, "shared": 125, "unchanged": 125} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("inside\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		r := shared(t, `mount -t tmpfs t /run && mkdir -p /run/netns /run/etc/netns && $E --new-net --persist net=/run/netns/blue -- true || exit 1
mkdir /run/upper /run/work && mount -t overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work o /etc || exit 1
mkdir -p /etc/netns && cp -r `+dir+` /etc/netns/blue && before=$(cat /etc/resolv.conf)
$E --net=/run/netns/blue --resolv-conf --new-mnt --propagation `+how+` -- cat /etc/resolv.conf; code=$?
test "$before" = "$(cat /etc/resolv.conf)" && echo same; exit $code`)
		want := "inside\nsame\n"
		if code != 0 {
			want = "same\n"
		}
		r.says(t, code, want)
	}
}

// The root of a target may be any directory of the joined mount namespace, also
// where a new one is made in it.
func TestNewMountsBelowChroot(t *testing.T) {
	livetest.Root(t)
	root := busyboxRoot(t)
	pid := itoa(targetOf(t, 0, "unshare", "--mount", "--fork", "--kill-child", "sh", "-c",
		`exec chroot "$1" /bin/busybox "$2" "$3" "$4"`, "sh", root))
	for _, args := range [][]string{
		{"--mnt", "--new-mnt"},
		{"--mnt", "--new-mnt", "--propagation", "slave"},
		{"--mnt", "--new-mnt", "--propagation", "unchanged"},
		{"--mnt", "--new-mnt", "--new-pid"},
	} {
		r := enter(t, append(append([]string{pid}, args...), "--", "/bin/busybox", "sh", "-c", "cd /; echo *; cd ..; pwd")...)
		r.says(t, 0, "bin proc tmp\n/\n")
	}
}

func TestJoinedAndNewPID(t *testing.T) {
	livetest.Root(t)
	pid := itoa(target(t, 0, container...))
	r := enter(t, pid, "--new-pid", "--", "true")
	r.fails(t, 125, "cannot join a pid namespace and make a new one", "nsinspect enter -p "+pid+" --cgroup --ipc --uts --net --time --mnt --new-pid")
	hint := strings.Fields(r.err[strings.LastIndex(r.err, "nsinspect enter ")+len("nsinspect enter "):])
	enter(t, append(hint, "--", "sh", "-c", "echo $$")...).says(t, 0, "2\n")
}

// The file is there, its interpreter is not: as with a program for another C
// library.
func TestNoInterpreter(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/no/such/interpreter\n"), 0o755); err != nil { //nolint:gosec // it is executed
		t.Fatal(err)
	}
	enter(t, "self", "--", script).fails(t, 127, script, "the file is there, what it needs is not")
	r := enter(t, "self", "--", script+"x")
	if r.fails(t, 127, "no such file"); strings.Contains(r.err, "the file is there") {
		t.Error(r.err)
	}
}

// The line that does the same does it in a shell.
func TestEqualLineIsForShells(t *testing.T) {
	livetest.Root(t)
	r := enter(t, "--new-uts", "--dry-run", "--", "sh", "-c", `echo "$0" 'it is' $1`, "$HOME", "\x01\n")
	_, line, ok := strings.Cut(r.out, "same as: ")
	if !ok {
		t.Fatal(r.out)
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		livetest.Skip(t, "bash")
	}
	finish(t, exec.Command(bash, "-c", line)).says(t, 0, "$HOME it is \x01\n")
}

// A thread is a target by its own number, as `ps -L` shows it.
func TestThreadByNumber(t *testing.T) {
	livetest.Root(t)
	tids, done := make(chan int), make(chan struct{})
	defer close(done)
	other := func() {
		runtime.LockOSThread() // the thread ends with the function, and its namespace with it
		if unix.Gettid() == os.Getpid() {
			tids <- 0 // the first thread is the process: another, while this one waits
		} else if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
			t.Error(err)
			tids <- -1
		} else {
			tids <- unix.Gettid()
		}
		<-done
	}
	n := 0
	for n == 0 {
		go other()
		n = <-tids
	}
	tid, process := itoa(n), itoa(os.Getpid())
	theirs := links(t, process+"/task/"+tid, "uts")
	if theirs == links(t, process, "uts") {
		t.Fatal("the thread has no namespace of its own")
	}
	for _, args := range [][]string{{"-p", tid}, {tid, "--uts"}, {"/proc/" + process + "/task/" + tid}} {
		enter(t, append(args, "--", "readlink", "/proc/self/ns/uts")...).says(t, 0, theirs)
	}
}

// Each failure has something to type.
func TestFailuresHaveHints(t *testing.T) {
	livetest.Root(t)
	me := itoa(os.Getpid())
	for _, c := range []struct {
		uid  int
		args []string
		want []string
	}{
		{nobody, []string{"--net=/proc/" + me + "/ns/net"}, []string{"permission denied", "hint: run as root: sudo ", " enter --net=/proc/" + me + "/ns/net -- true"}},
		{nobody, []string{"/proc/" + me + "/ns/net"}, []string{"permission denied", "hint: run as root"}},
		{nobody, []string{"-p", me}, []string{"may not be looked at", "hint: run as root: sudo ", " enter -p " + me + " -- true"}},
		{nobody, []string{"--net-of-fd", me + ":0"}, []string{"descriptor 0 of process " + me, "hint: it takes CAP_SYS_PTRACE"}},
		{0, []string{"--net-of-fd", me + ":999"}, []string{"descriptor 999 of process " + me, "hint: see which sockets it has: ls -l /proc/" + me + "/fd"}},
		{0, []string{"--new-net", "--persist", "net=/no/such/file"}, []string{"make /no/such/file", "hint: make its directory first: mkdir -p /no/such"}},
		{nobody, []string{"--new-user", "--new-net", "--persist", "net=/usr/x"}, []string{"make /usr/x", "hint: it takes CAP_SYS_ADMIN"}},
		{nobody, []string{"self", "--setuid", "5"}, []string{"become uid 5", "leave --setuid and --setgid out"}},
		{nobody, []string{"--new-uts"}, []string{"no CAP_SYS_ADMIN", "add --new-user, or run as root: sudo ", " enter --new-uts -- true"}},
		{0, []string{"--setuid", "4294967295", "self"}, []string{"neither an id nor follow", "hint: "}},
	} {
		enterAs(t, c.uid, append(c.args, "--", "true")...).fails(t, 125, c.want...)
	}
}

// A name of ip-netns(8) whose namespace has gone.
func TestStaleName(t *testing.T) {
	r := shared(t, `mount --make-rprivate / && mount -t tmpfs t /run && mkdir /run/netns && touch /run/netns/blue && $E blue -- true`)
	r.fails(t, 125, "an empty file that a network namespace left behind", "ip netns delete blue")
}

// One's own id as a range: newgidmap(1) denies setgroups(2) then.
func TestOwnIDAsRange(t *testing.T) {
	livetest.Root(t)
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, tool+" (uidmap)")
		}
	}
	id := itoa(nobody)
	r := enterAs(t, nobody, "--new-user", "--map-users", "0:"+id+":1", "--", "sh", "-c", "id -u; id -g")
	if r.code() == 125 && strings.Contains(r.err, "newuidmap") {
		t.Log("newuidmap wants a user with a name:", r.err) // as that of shadow does
		return
	}
	r.says(t, 0, "0\n0\n")
}

// Root's groups do not come along into a user namespace that keeps them.
func TestGroupsStayOutside(t *testing.T) {
	livetest.Root(t)
	pid := itoa(target(t, nobody, "--user", "--map-root-user"))
	for _, args := range [][]string{{pid}, {"--user=/proc/" + pid + "/ns/user"}} {
		cmd := command(t, 0, append(args, "--", "grep", "Groups:", "/proc/self/status")...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{6, 42}}}
		if r := finish(t, cmd); r.code() != 0 || strings.TrimSpace(r.out) != "Groups:" {
			t.Errorf("%q: status %d: %s%s", args, r.code(), r.out, r.err)
		}
	}
}

// With --target-caps the keys of the caller's session are left behind too.
func TestKeysStayOutside(t *testing.T) {
	livetest.Root(t)
	runtime.LockOSThread() // and dies with its keyring
	if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err != nil {
		t.Skipf("missing: session keyrings, which some kernels and sandboxes have not: %v", err)
	}
	key, err := unix.AddKey("user", "nsinspect-test", []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING)
	if err != nil {
		t.Fatal(err)
	}
	const possessor = 0x3f000000
	if err := unix.KeyctlSetperm(key, possessor); err != nil {
		t.Fatal(err)
	}
	pid := itoa(target(t, 0, "--uts"))
	count := []string{"--", "grep", "-c", "nsinspect-test", "/proc/keys"}
	enter(t, append([]string{pid}, count...)...).says(t, 0, "1\n")
	enter(t, append([]string{pid, "--target-caps"}, count...)...).says(t, 1, "0\n")
}
