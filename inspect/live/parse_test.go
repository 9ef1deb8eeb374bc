package live

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nsinspect/inspect"
)

// Verbatim from Linux 6.18, a shell in a container: the lines that are read
// and some that are not.
const statusOfShell = "Name:\tsh\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t3037\nNgid:\t0\nPid:\t3037\nPPid:\t3016\nTracerPid:\t0\n" +
	"Uid:\t1000\t1001\t1002\t1003\nGid:\t100\t101\t102\t103\nFDSize:\t64\nGroups:\t0 1 2 \nNStgid:\t3037\t7\t1\nNSpid:\t3037\t7\t1\n" +
	"NSpgid:\t3037\t7\t1\nNSsid:\t3037\t7\t1\nKthread:\t0\nVmPeak:\t    2584 kB\nThreads:\t3\nSigQ:\t0/96365\nSigPnd:\t0000000000000000\n" +
	"CapInh:\t0000000000000001\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fa\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000002\n" +
	"NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\nSpeculation_Store_Bypass:\tvulnerable\nCpus_allowed:\t3\n"

func TestParseStatus(t *testing.T) {
	var got inspect.Info
	parseStatus([]byte(statusOfShell), &got)
	want := inspect.Info{
		Comm: "sh", UID: [4]uint32{1000, 1001, 1002, 1003}, GID: [4]uint32{100, 101, 102, 103},
		NSpid: []int{3037, 7, 1}, Threads: 3, NoNewPrivs: true, Seccomp: 2,
		Caps: &inspect.Caps{Inheritable: 1, Permitted: 0xa80425fb, Effective: 0xa80425fa, Bounding: 0x1ffffffffff, Ambient: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if tgid := parseTgid([]byte(statusOfShell)); tgid != 3037 {
		t.Errorf("Tgid %d", tgid)
	}
}

// What is not there stays as it is, what makes no sense too.
func TestParseStatusOfOldKernels(t *testing.T) {
	for _, text := range []string{
		"", "Name:\tsh", "Uid:\t1\t2\t3\n", "Uid:\t1\t2\t3\t4294967296\n", "Uid:\t1\t2\t3\t4\t5\n", "NSpid:\t1\tx\n", "NSpid:\t0\n",
		"CapEff:\tnone\n", "Seccomp:\t-1\n", "Threads\t7\n", "Uid 1 2 3 4\n",
	} {
		var got inspect.Info
		parseStatus([]byte(text), &got)
		got.Comm = ""
		if diff := cmp.Diff(inspect.Info{}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseCommand(t *testing.T) {
	for in, want := range map[string]string{
		`sh`: "sh", `a\nb`: "a\nb", `a\\nb`: `a\nb`, `\\`: `\`, `\\\\n`: `\\n`, `tail\`: `tail\`, `\t`: `\t`, " x ": " x ",
		"Uid:\t0": "Uid:\t0", "\xff": `\xff`, `\\xff`: `\x5cxff`,
	} {
		var got inspect.Info
		parseStatus([]byte("Name:\t"+in+"\nUmask:\t0022\n"), &got)
		if got.Comm != want {
			t.Errorf("%q is %q, want %q", in, got.Comm, want)
		}
	}
}

func TestParseStat(t *testing.T) {
	const rest = ") S 3016 3037 3037 34816 3037 4194304 1069 0 0 0 0 0 0 0 20 0 3 0 160564 2646016 225 18446744073709551615 94 0 0\n"
	for _, comm := range []string{"(sh", "(a b", "() R 1 2 (", "(x)\n) S 1 1", "("} {
		var got inspect.Info
		if err := parseStat([]byte("3037 "+comm+rest), &got); err != nil {
			t.Errorf("%q: %v", comm, err)
		}
		if diff := cmp.Diff(inspect.Info{State: "S", PPID: 3016, Threads: 3, Start: 160564}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", comm, diff)
		}
	}
	var kthread inspect.Info
	line := "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0 18446744073709551615 0 0 0\n"
	if err := parseStat([]byte(line), &kthread); err != nil || !kthread.Kernel || kthread.PPID != 0 {
		t.Errorf("a kernel thread: %+v %v", kthread, err)
	}
	for _, bad := range []string{"", "1 (sh", "1 (sh) S 1", "1 (sh" + strings.Replace(rest, "3016", "-1", 1), "1 (sh" + strings.Replace(rest, "S", "SS", 1)} {
		if err := parseStat([]byte(bad), new(inspect.Info)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestParseCgroups(t *testing.T) {
	got := parseCgroups([]byte("12:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/system.slice/x.service (deleted)\n0::/../..\n\nx:y:/z\n3:cpu:relative\n4\n0::/\xff\n"))
	want := []inspect.CgroupPath{
		{Hierarchy: 12, Controllers: "cpu,cpuacct", Path: "/a:b"},
		{Hierarchy: 1, Controllers: "name=systemd", Path: "/"},
		{Path: "/system.slice/x.service (deleted)"},
		{Path: "/../.."},
		{Path: `/\xff`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseIDMap(t *testing.T) {
	for text, want := range map[string][]inspect.IDRange{
		"":                                   {},
		"         0          0 4294967295\n": {{Inside: 0, Outside: 0, Count: 4294967295}},
		"         0       1000          1\n         1     100000      65536\n": {
			{Inside: 0, Outside: 1000, Count: 1}, {Inside: 1, Outside: 100000, Count: 65536},
		},
		"         0 4294967295          1\n": {{Inside: 0, Outside: 4294967295, Count: 1}},
	} {
		got, err := parseIDMap([]byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, bad := range []string{"\n", "1 2\n", "1 2 3 4\n", "0 0 4294967296\n", "-1 0 1\n", "a 0 1\n"} {
		if got, err := parseIDMap([]byte(bad)); err == nil {
			t.Errorf("%q is taken: %+v", bad, got)
		}
	}
}

func TestParseTimeOffsets(t *testing.T) {
	for text, want := range map[string]inspect.TimeOffsets{
		"monotonic           0         0\nboottime            0         0\n": {},
		"monotonic      604800 500000000\nboottime           -5         1\n": {
			Monotonic: 7*24*time.Hour + 500*time.Millisecond, Boottime: -5*time.Second + 1,
		},
		"boottime 1 0\nmonotonic -4611686018 999999999\n": {Monotonic: -4611686018*time.Second + 999999999, Boottime: time.Second},
	} {
		got, err := parseTimeOffsets([]byte(text))
		if err != nil || *got != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, bad := range []string{
		"", "monotonic 0 0\n", "monotonic 0 0\nmonotonic 0 0\n", "monotonic 0 0\nboottime 0 0\nrealtime 0 0\n",
		"monotonic 0 1000000000\nboottime 0 0\n", "monotonic 0 -1\nboottime 0 0\n", "monotonic 9223372036854775807 0\nboottime 0 0\n",
		"monotonic 0\nboottime 0 0\n",
	} {
		if got, err := parseTimeOffsets([]byte(bad)); err == nil {
			t.Errorf("%q is taken: %+v", bad, got)
		}
	}
}

func TestParseCmdline(t *testing.T) {
	for in, want := range map[string][]string{
		"": nil, "sh\x00": {"sh"}, "sh\x00-c\x00\x00": {"sh", "-c", ""}, "title without end": {"title without end"}, "\x00": {""},
		"\xff\x00a b\x00": {`\xff`, "a b"},
	} {
		if diff := cmp.Diff(want, parseCmdline([]byte(in))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}
