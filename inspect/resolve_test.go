package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// brief says in a line what a target is.
func brief(t Target) string {
	switch t.Kind {
	case TargetProcess:
		return fmt.Sprintf("process %d %d", t.PID, t.TID)
	case TargetContainer:
		return fmt.Sprintf("container %s %d", t.Container.Name, t.PID)
	}
	return fmt.Sprintf("%s %d", t.Type, t.NS.Ino)
}

func TestResolve(t *testing.T) {
	s := testHost()
	s.Containers = append(s.Containers,
		Container{ID: "4026aaaaaaaaaaaa", Name: "1", Engine: "docker"},
		Container{ID: "900", Name: "id-is-a-pid", Engine: "lxc"},
		Container{ID: "deadbeef", Name: "bee", Engine: "podman"},
		Container{ID: "bee", Name: "dead", Engine: "podman"},
		Container{ID: "deaf", Name: "blue", Engine: "podman"},
		Container{ID: "11112222333344445555", Engine: "containerd"},
		Container{ID: "v1", Name: "shop-api-1", Engine: "docker", PID: 3037, Labels: map[string]string{
			"com.docker.compose.project": "shop", "com.docker.compose.service": "api",
		}},
		Container{ID: "v2", Name: "shop-api-2", Engine: "docker", State: "exited", Labels: map[string]string{
			"com.docker.compose.project": "shop", "com.docker.compose.service": "api",
		}},
		Container{ID: "v3", Name: "twin", Engine: "docker"},
		Container{ID: "v4", Name: "twin", Engine: "docker"},
	)
	s.Refs = append(s.Refs,
		Ref{NS: id(inoDBNet), Kind: RefMount, Path: "/run/docker/netns/30ffbb55e1f0", Name: "30ffbb55e1f0"},
		Ref{NS: id(inoMnt), Kind: RefMount, Path: "/srv/mnt ns"},
		Ref{NS: id(inoWebNet), Kind: RefMount, Path: "/run/netns/two", Name: "two"},
		Ref{NS: id(inoDBNet), Kind: RefMount, Path: "/run/netns/two", Name: "two", MountNS: id(77)},
		Ref{NS: id(inoGhost), Kind: RefFD, PID: 900, FD: 3, Path: "net:[4026532500]"},
	)
	x := NewIndex(s)
	for _, c := range []struct{ word, want string }{
		{"3037", "process 3037 0"},
		{"pid:3037", "process 3037 0"},
		{"self", "process 900 0"},
		{"5001", "process 5000 5001"},
		{"web1", "container web1 3037"},
		{"docker:web1", "container web1 3037"},
		{"container:web1", "container web1 3037"},
		{webID, "container web1 3037"},
		{webID[:12], "container web1 3037"},
		{"30f", "container db1 4000"},
		{"id:30ff", "container db1 4000"},
		{"docker:30ff", "container db1 4000"},
		{"id:3037", "container web1 3037"},
		{"old", "container old 0"},
		{"web", "container web1 3037"},
		{"shop/web", "container web1 3037"},
		{"service:web", "container web1 3037"},
		{"docker:web", "container web1 3037"},
		{"api", "container shop-api-1 3037"},
		{"id-is-a-pid", "container id-is-a-pid 0"},
		{"11112222", "container  0"},
		{"id:bee", "container dead 0"},
		{"dead", "container dead 0"},
		{"4026532299", "net 4026532299"},
		{"net:[4026532299]", "net 4026532299"},
		{"net:4026532299", "net 4026532299"},
		{"mount:[4026531841]", "mnt 4026531841"},
		{"pid:[4026532297]", "pid 4026532297"},
		{"pid:4026532297", "pid 4026532297"},
		{"netns:blue", "net 4026532400"},
		{"/run/netns/blue", "net 4026532400"},
		{"/var/run/netns/blue", "net 4026532400"},
		{"/run//netns/./blue/", "net 4026532400"},
		{"/run/docker/netns/30ffbb55e1f0", "net 4026532315"},
		{"netns:30ffbb55e1f0", "net 4026532315"},
		{"/srv/mnt ns", "mnt 4026531841"},
		{"/run/netns/two", "net 4026532299"}, // the one in sight
		{"/proc/3037", "process 3037 0"},
		{"/proc/3037/", "process 3037 0"},
		{"/proc/3037/ns", "process 3037 0"},
		{"/proc/3037/ns/net", "net 4026532299"},
		{"/proc/3037/ns/pid_for_children", "pid 4026532297"},
		{"/proc/3037/task/3037/ns/net", "net 4026532299"},
		{"/proc/5000/task/5001", "process 5000 5001"},
		{"/proc/5000/task/5001/ns/net", "net 4026532500"},
		{"/proc/self/ns/net", "net 4026531840"},
		{"/proc/thread-self/ns/uts", "uts 4026531838"},
		{"/proc/900/fd/3", "net 4026532500"},
		{"/proc/self/fd/3", "net 4026532500"},
	} {
		got, err := x.Resolve(c.word)
		if err != nil {
			t.Errorf("%s: %v", c.word, err)
		} else if brief(got) != c.want {
			t.Errorf("%s is %s, want %s", c.word, brief(got), c.want)
		}
	}
	for _, c := range []struct{ word, want string }{
		{"1", `target "1" is ambiguous: pid:1, docker:1`},
		{"900", `target "900" is ambiguous: pid:900, lxc:id-is-a-pid`},
		{"bee", `target "bee" is ambiguous: podman:dead, id:deadbeef`},
		{"blue", `target "blue" is ambiguous: podman:blue, netns:blue`},
		{"30", `target "30" not found`},
		{"two", `target "two" is ambiguous: net:[4026532299], net:[4026532315]`},
		{"twin", `target "twin" is ambiguous: id:v3, id:v4`},
		{"docker:v", `target "docker:v" is ambiguous: docker:shop-api-1, docker:shop-api-2, id:v3, id:v4`},
	} {
		_, err := x.Resolve(c.word)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.word, err, c.want)
		}
		var ambiguous *AmbiguousError
		if errors.As(err, &ambiguous) && ambiguous.Hint() != "say which one, such as "+ambiguous.Candidates[0].Text {
			t.Errorf("%s: hint %q", c.word, ambiguous.Hint())
		}
	}
}

func TestResolveNotFound(t *testing.T) {
	all := NewIndex(testHost())
	none := testHost()
	none.Scope, none.Host.Observer, none.Refs = NewScope(FactTasks, nil), Observer{}, nil
	bare := NewIndex(none)
	mute := testHost()
	mute.Problems = []Problem{{Op: OpAskEngine, Path: "unix:///run/docker.sock", Err: "permission denied", Hint: "run as root"}}
	silent := NewIndex(mute)
	for _, c := range []struct {
		x                  *Index
		word, reason, hint string
	}{
		{all, "", "it is empty", hintList},
		{all, "nonesuch", "", hintList},
		{all, "wbe1", "", "did you mean web1?"},
		{all, "webb", "", "did you mean web, web1?"},
		{all, "blu", "", "did you mean blue?"},
		{all, "docker:web2", "", "did you mean web, web1?"},
		{all, "podman:web1", "", "did you mean web1, web?"},
		{all, "99", "there is no process 99", hintList},
		{all, "pid:99", "there is no process 99", hintList},
		{all, "7", "no process has this pid here; inside of web1 it is another's", "did you mean pid:3040, pid:4010?"},
		{all, "-1", "", hintList},
		{all, "007", "", hintList},
		{all, "mnt:[4026532299]", "4026532299 is a net namespace", "did you mean net:[4026532299]?"},
		{all, "net:[4026532298]", "there is no net namespace 4026532298", hintList},
		{all, "disk:[4026532298]", "no kind of namespace is called so", hintList},
		{all, "net:[0]", `inode "0" is not a positive number`, hintList},
		{all, "/proc/99/ns/net", "there is no process 99", hintList},
		{all, "/proc/x/ns/net", `"x" is no pid`, hintList},
		{all, "/proc/1/ns/mount", `"mount" is none of cgroup, ipc, mnt`, hintList},
		{all, "/proc/1/root", "a path in /proc ends in ns/KIND or fd/NUMBER", hintList},
		{all, "/proc/1/task/3037/ns/net", "process 1 has no such thread", hintList},
		{all, "/proc/1/task/x", "process 1 has no such thread", hintList},
		{all, "/proc/1/task/77/ns/net", "process 1 has no such thread", hintList},
		{all, "/proc/1/fd/3", "it is no namespace's file", hintList},
		{all, "/run/netns/green", "no namespace is mounted there", hintList},
		{silent, "nonesuch", "the container engine at unix:///run/docker.sock did not tell names: permission denied", "run as root"},
		{bare, "self", "the snapshot does not say who took it", hintList},
		{bare, "web2", "neither containers nor names of namespaces were looked at", "did you mean web, web1?"},
		{bare, "api", "neither containers nor names of namespaces were looked at", hintContainers},
		{bare, "/run/netns/blue", "mounted namespaces were not looked at", hintList},
		{bare, "/proc/1/fd/3", "open files were not looked at", hintList},
	} {
		target, err := c.x.Resolve(c.word)
		var e *NotFoundError
		if !errors.As(err, &e) {
			t.Errorf("%q: %v %v", c.word, brief(target), err)
			continue
		}
		if c.reason == "" != (e.Reason == "") || !strings.Contains(e.Reason, c.reason) || e.Hint() != c.hint {
			t.Errorf("%q: %v, hint %q; want %q, %q", c.word, err, e.Hint(), c.reason, c.hint)
		}
	}
}

func TestNamespacesOf(t *testing.T) {
	x := NewIndex(testHost())
	of := func(word string) (Links, error) {
		target, err := x.Resolve(word)
		if err != nil {
			t.Fatal(err)
		}
		return x.NamespacesOf(target)
	}
	ghost := hostLinks().with(map[Link]uint64{LinkNet: inoGhost})
	for word, want := range map[string]Links{
		"web1": webLinks(), "3040": webLinks(), "self": hostLinks(), "5000": ghost, "5001": ghost,
		"netns:blue": {LinkNet: id(inoBlue)}, "db1": dbLinks(),
	} {
		if got, err := of(word); err != nil || got != want {
			t.Errorf("%s: %v, %v", word, got, err)
		}
	}
	for word, want := range map[string]string{
		"6000": "the namespaces of pid:6000 are not known: permission denied; run as root",
		"old":  "the namespaces of docker:old are not known: it is exited; docker start old",
	} {
		_, err := of(word)
		var e *UnreadableError
		if !errors.As(err, &e) || e.Error()+"; "+e.Hint() != want {
			t.Errorf("%s: %v", word, err)
		}
	}
	if p := x.ProblemOf(6000); p == nil || p.Op != "read namespace links" {
		t.Errorf("problem of 6000: %v", p)
	}
	if p := x.ProblemOf(1); p != nil {
		t.Errorf("problem of 1: %v", p)
	}
}

func TestNamespacesOfGone(t *testing.T) {
	s := testHost()
	s.Containers[0].PID = 3036 // gone, but for another process in its cgroup
	s.Processes[7].Threads = nil
	s.Host.Observer.PID = 901
	x := NewIndex(s)
	target, err := x.Resolve("web1")
	if err != nil || target.PID != 3037 {
		t.Errorf("web1 is %v, %v", target, err)
	}
	if l, err := x.NamespacesOf(Target{Kind: TargetProcess, PID: 901}); err != nil || l != hostLinks() {
		t.Errorf("the observer, not among the processes: %v, %v", l, err)
	}
	for pid, want := range map[int]string{5000: "it is a zombie, which has left them", 902: "process 902 was not looked at"} {
		if _, err := x.NamespacesOf(Target{Kind: TargetProcess, PID: pid}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%d: %v", pid, err)
		}
	}
	if _, err := x.NamespacesOf(Target{}); err == nil {
		t.Error("no target has namespaces")
	}
}

// A container whose name no engine told is offered once, after those with one.
func TestWordsOfContainersWithoutName(t *testing.T) {
	s := testHost()
	s.Containers[0].Name = ""
	var list []string
	for _, w := range NewIndex(s).Words("") {
		if strings.HasPrefix(w.Description, "docker container") {
			list = append(list, w.Text)
		}
	}
	last := len(list) - 1
	if last < 1 || list[last] != s.Containers[0].ID[:12] || !slices.IsSorted(list[:last]) {
		t.Errorf("containers are offered as %v", list)
	}
}

func TestWords(t *testing.T) {
	x := NewIndex(testHost())
	texts := func(prefix string) string {
		var list []string
		for _, w := range x.Words(prefix) {
			list = append(list, w.Text)
		}
		return strings.Join(list, " ")
	}
	for prefix, want := range map[string]string{
		"w":        "web1",
		"b":        "blue",
		"docker:":  "docker:db1 docker:old docker:web1",
		"docker:w": "docker:web1",
		"net:":     "net:4026531840 net:4026532299 net:4026532315 net:4026532400 net:4026532500",
		"net:[":    "net:[4026531840] net:[4026532299] net:[4026532315] net:[4026532400] net:[4026532500]",
		"303":      "3037aa55e1f0 3037",
		"pid:3":    "pid:3037 pid:3040",
		"40265325": "4026532500",
		"netns:":   "netns:blue",
		"zz":       "",
	} {
		if got := texts(prefix); got != want {
			t.Errorf("%q: %s, want %s", prefix, got, want)
		}
	}
	if got := texts(""); !strings.HasPrefix(got, "db1 old web1 blue self time:4026531834 ") {
		t.Errorf("nothing typed: %s", got)
	}
	for prefix, want := range map[string]string{
		"web1": "docker container, nginx:1.27, running", "blue": "net namespace, no process, blue", "3037": "docker container, nginx:1.27, running, web1",
		"net:[4026532299": "net namespace, 2 processes, web1", "self": "nsinspect itself, pid 900", "net:[4026531840": "net namespace of nsinspect, 3 processes",
	} {
		if w := x.Words(prefix); len(w) == 0 || w[0].Description != want {
			t.Errorf("%q: %v, want %q", prefix, w, want)
		}
	}
}
