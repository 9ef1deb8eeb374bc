package enter_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
)

// everyKind makes all eight, as a user without privileges.
var everyKind = []string{
	"--new-user", "--new-mnt", "--new-pid", "--new-net", "--new-uts", "--new-ipc", "--new-cgroup", "--new-time",
	"--hostname", "box", "--monotonic", "24h", "--boottime", "48h30m",
}

func TestEachKindIsNew(t *testing.T) {
	livetest.Root(t)
	for _, uid := range []int{0, nobody} {
		r := enterAs(t, uid, append(everyKind, showLinks(allKinds...)...)...)
		if r.code() != 0 {
			t.Fatalf("uid %d: status %d: %s", uid, r.code(), r.err)
		}
		for i, line := range strings.Split(strings.TrimSpace(r.out), "\n") {
			if ours := links(t, "self", allKinds[i]); line+"\n" == ours || !strings.HasPrefix(line, allKinds[i]+":[") {
				t.Errorf("uid %d: %s is not new: %s", uid, allKinds[i], line)
			}
		}
	}
}

func TestNewWorld(t *testing.T) {
	livetest.Root(t)
	r := enterAs(t, nobody, append(everyKind, "--", "sh", "-c",
		"id -u; id -g; hostname; cat /proc/1/comm; cat /proc/self/timens_offsets; cat /proc/self/uid_map; cat /proc/self/setgroups")...)
	want := []string{
		"0", "0", "box", "nsinspect-init", "monotonic 86400 0", "boottime 174600 0",
		"0 " + itoa(nobody) + " 1", "deny",
	}
	var got []string
	for line := range strings.Lines(r.out) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if r.code() != 0 || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("status %d, got\n%s\nwant\n%s\nstderr: %s", r.code(), strings.Join(got, "\n"), strings.Join(want, "\n"), r.err)
	}
}

// What an unprivileged user made can be joined with all eight by root and by
// that user.
func TestJoinNewWorld(t *testing.T) {
	livetest.Root(t)
	pid := targetOf(t, nobody, append(append([]string{built(t), "enter", "--no-init", "--kill-child"}, everyKind...), "--")...)
	for _, uid := range []int{0, nobody} {
		r := enterAs(t, uid, append([]string{itoa(pid)}, showLinks(allKinds...)...)...)
		r.says(t, 0, links(t, itoa(pid), allKinds...))
	}
	enterAs(t, nobody, itoa(pid), "--", "sh", "-c", "id -u; hostname").says(t, 0, "0\nbox\n")
	// A new user namespace inside of the joined one.
	enter(t, itoa(pid), "--new-user", "--map-root-user", "--", "sh", "-c", "id -u; cat /proc/self/uid_map").fails(t, 0)
}

func TestMapCurrentUser(t *testing.T) {
	livetest.Root(t)
	enterAs(t, nobody, "--new-user", "--map-current-user", "--", "id", "-u").says(t, 0, itoa(nobody)+"\n")
}

func TestMapRanges(t *testing.T) {
	livetest.Root(t)
	r := enter(t, "--new-user", "--map-users", "0:100000:1000", "--map-groups", "0:200000:500", "--", "sh", "-c",
		"id -u; id -G; cat /proc/self/uid_map /proc/self/gid_map")
	var got []string
	for line := range strings.Lines(r.out) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if want := "0|0|0 100000 1000|0 200000 500"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q: %s", strings.Join(got, "|"), want, r.err)
	}
	enter(t, "--new-user", "--map-users", "0:1:10", "--map-users", "5:20:10", "--", "true").fails(t, 125, "overlap")
	// Ranges that nobody granted, with newuidmap(1) or without.
	enterAs(t, nobody, "--new-user", "--map-users", "0:100000:10", "--", "true").fails(t, 125, "newuidmap", "hint")
}

func TestMountsAreSeparate(t *testing.T) {
	livetest.Root(t)
	dir := t.TempDir()
	enter(t, "--new-mnt", "--", "sh", "-c", "mount -t tmpfs none "+dir+" && touch "+dir+"/inside").says(t, 0, "")
	if _, err := os.Stat(filepath.Join(dir, "inside")); err == nil {
		t.Error("a mount inside is seen outside")
	}
	// In a copy of a joined namespace, and below a root directory, too.
	pid := target(t, 0, "--mount")
	enter(t, itoa(pid), "--mnt", "--new-mnt", "--", "sh", "-c", "mount -t tmpfs none "+dir+" && touch "+dir+"/inside").says(t, 0, "")
	enter(t, itoa(pid), "--mnt", "--", "ls", dir).says(t, 0, "")
	root := busyboxRoot(t)
	enter(t, "--new-mnt", "--root="+root, "--", "/bin/busybox", "sh", "-c", "busybox mount -t tmpfs none /tmp && busybox touch /tmp/inside").says(t, 0, "")
	if _, err := os.Stat(filepath.Join(root, "tmp/inside")); err == nil {
		t.Error("a mount below a root directory is seen outside")
	}
	enter(t, "--new-pid", "--mount-proc", "--", "true").fails(t, 125, "--new-mnt")
	enter(t, "--new-pid", "--", "true").fails(t, 0, "warning", "--new-mnt")
	enter(t, "--new-mnt", "--propagation", "slave", "--", "sh", "-c", "grep -c shared: /proc/self/mountinfo").fails(t, 1)
}

// Namespaces that are bound to files outlive the command.
func TestPersist(t *testing.T) {
	livetest.Root(t)
	dir := t.TempDir()
	if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", dir, "", unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }()
	var args []string
	for _, k := range allKinds {
		if k != "pid" {
			args = append(args, "--new-"+k, "--persist", k+"="+filepath.Join(dir, k))
		}
	}
	kinds := []string{"cgroup", "ipc", "mnt", "net", "time", "user", "uts"}
	made := enter(t, append(args, showLinks(kinds...)...)...)
	if made.code() != 0 {
		t.Fatalf("status %d: %s", made.code(), made.err)
	}
	var join []string
	for _, k := range kinds {
		join = append(join, "--"+k+"="+filepath.Join(dir, k))
	}
	enter(t, append(join, showLinks(kinds...)...)...).says(t, 0, made.out)
	for _, k := range kinds {
		if err := unix.Unmount(filepath.Join(dir, k), 0); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
}

// A pid namespace can be bound while it has its init.
func TestPersistPID(t *testing.T) {
	livetest.Root(t)
	file := filepath.Join(t.TempDir(), "pid")
	enter(t, "--new-pid", "--new-mnt", "--persist", "pid="+file, "--", "readlink", "/proc/self/ns/pid").fails(t, 0)
	defer func() { _ = unix.Unmount(file, unix.MNT_DETACH) }()
	var st unix.Statfs_t
	if err := unix.Statfs(file, &st); err != nil || st.Type != unix.NSFS_MAGIC {
		t.Errorf("type %#x, %v", st.Type, err)
	}
	enter(t, "--pid="+file, "--", "true").fails(t, 125, "no init any more")
}

// In a mount namespace of its own, so that nothing stays in /run/netns.
func TestPersistNetns(t *testing.T) {
	livetest.Root(t)
	ip, err := exec.LookPath("ip")
	if err != nil {
		livetest.Skip(t, "ip (iproute2)")
	}
	script := `mount -t tmpfs none /run && "$1" enter --new-net --persist net=/run/netns/blue -- true &&
		` + ip + ` netns list && "$1" enter blue -- sh -c 'cmp -s /proc/net/dev /proc/1/net/dev || echo joined' && ` + ip + ` netns exec blue ` + ip + ` -o link | wc -l && ` + ip + ` netns delete blue && ls /run/netns | wc -l &&
		mkdir -p /run/netns && : > /run/netns/stale && "$1" enter --net=/run/netns/stale -- true`
	cmd := exec.Command(built(t), "enter", "--new-mnt", "--", "sh", "-c", script, "sh", built(t))
	r := finish(t, cmd)
	r.says(t, 125, "blue\njoined\n1\n0\n")
	r.fails(t, 125, "left behind", "ip netns delete stale")
}

func TestResolvConfOfNetns(t *testing.T) {
	livetest.Root(t)
	script := `mount -t tmpfs none /run && mount -t tmpfs none /etc && : > /etc/resolv.conf && mkdir -p /etc/netns/blue && echo blue > /etc/netns/blue/resolv.conf &&
		"$1" enter --new-net --persist net=/run/netns/blue -- true &&
		"$1" enter --net=/run/netns/blue --resolv-conf -- cat /etc/resolv.conf && wc -c < /etc/resolv.conf; umount /run/netns/blue`
	finish(t, exec.Command(built(t), "enter", "--new-mnt", "--", "sh", "-c", script, "sh", built(t))).says(t, 0, "blue\n0\n")
}

func TestNewAsUserNeedsUserNamespace(t *testing.T) {
	livetest.Root(t)
	enterAs(t, nobody, "--new-net", "--", "true").fails(t, 125, "CAP_SYS_ADMIN", "--new-user")
}

// The limits of /proc/sys/user explain themselves. They are those of a user
// namespace of the test's own.
func TestLimits(t *testing.T) {
	livetest.Root(t)
	script := `echo 0 > /proc/sys/user/max_net_namespaces && echo 0 > /proc/sys/user/max_user_namespaces &&
		"$1" enter --new-net -- true; echo $?; "$1" enter --new-user -- true; echo $?`
	r := finish(t, exec.Command(built(t), "enter", "--new-user", "--new-pid", "--new-mnt", "--", "sh", "-c", script, "sh", built(t)))
	r.says(t, 0, "125\n125\n")
	r.fails(t, 0, "user.max_net_namespaces is 0", "user.max_user_namespaces is 0", "sysctl -w")
}

// Ranges of an unprivileged user, granted by files that only the test sees.
func TestMapAuto(t *testing.T) {
	livetest.Root(t)
	if _, err := exec.LookPath("newuidmap"); err != nil {
		livetest.Skip(t, "newuidmap (Debian package uidmap)")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(dir, "sub")
	if err := os.WriteFile(sub, []byte("daemon:300000:1000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// uid 1 is daemon's on every Debian.
	script := `mount --bind "$2" /etc/subuid && mount --bind "$2" /etc/subgid &&
		exec setpriv --reuid 1 --regid 1 --clear-groups "$1" enter --new-user --map-auto -- sh -c 'id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map; cat /proc/self/setgroups'`
	for _, f := range []string{"/etc/subuid", "/etc/subgid"} {
		if _, err := os.Stat(f); err != nil {
			livetest.Skip(t, f)
		}
	}
	r := finish(t, exec.Command(built(t), "enter", "--new-mnt", "--", "sh", "-c", script, "sh", built(t), sub))
	got := strings.Join(strings.Fields(r.out), " ")
	if want := "0 0 0 1 1 1 300000 1000 0 1 1 1 300000 1000 allow"; r.code() != 0 || got != want {
		t.Errorf("status %d: %q, want %q: %s", r.code(), got, want, r.err)
	}
	// A user to whom nothing is granted.
	enterAs(t, nobody, "--new-user", "--map-auto", "--", "true").fails(t, 125, "/etc/subuid has no ids", "usermod")
}
