package demo

import (
	"bytes"
	"strings"
	"testing"

	"nsinspect/inspect"
)

func TestVerdict(t *testing.T) {
	yes, no := Check{Holds: true}, Check{}
	for _, c := range []struct {
		checks            []Check
		without           bool
		verdict, expected bool
	}{
		{checks: []Check{yes, yes}, verdict: true, expected: true},
		{checks: []Check{yes, no}},
		{checks: []Check{no, no}},
		{checks: nil}, // nothing was compared
		{checks: nil, without: true},
		{checks: []Check{no, no}, without: true, expected: true},
		{checks: []Check{yes, no}, without: true},
		{checks: []Check{yes}, without: true, verdict: true},
	} {
		r := Report{Check: c.checks, Without: c.without, Property: isolated}
		r.conclude()
		if r.Verdict != c.verdict || r.Expected != c.expected {
			t.Errorf("%+v, without %v: verdict %v, expected %v", c.checks, c.without, r.Verdict, r.Expected)
		}
		if want := map[bool]string{true: "isolated ✓", false: "NOT isolated ✗"}[c.verdict]; r.Text() != want {
			t.Errorf("text %q, want %q", r.Text(), want)
		}
	}
}

func TestCheckDiffers(t *testing.T) {
	p := &play{r: &Report{}}
	p.check("hostname", "blue", "demo-host")
	p.check("hostname", "blue", "blue")
	if c := p.r.Check; !c[0].Holds || c[1].Holds {
		t.Errorf("%+v", c)
	}
}

// TestKinds holds that the table knows each kind once, with its flag.
func TestKinds(t *testing.T) {
	for _, want := range inspect.Types {
		n := 0
		for _, k := range Kinds() {
			if k.Type == want {
				n++
			}
		}
		if n != 1 || !strings.HasPrefix(Flag(want), "CLONE_NEW") {
			t.Errorf("%s: %d times, flag %s", want, n, Flag(want))
		}
	}
}

func TestMountIn(t *testing.T) {
	const text = `23 30 0:22 / /proc rw,nosuid - proc proc rw
31 30 0:29 / /mnt rw,relatime - tmpfs none rw
40 31 0:41 / /mnt rw shared:7 master:1 - ext4 /dev/sda1 rw
`
	for dir, want := range map[string]string{"/proc": "proc from proc", "/mnt": "ext4 from /dev/sda1", "/m": notMounted} {
		if got := mountIn(text, dir); got != want {
			t.Errorf("%s: %q, want %q", dir, got, want)
		}
	}
}

func TestTelling(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  int
	}{
		{[]string{"0::/"}, -1},
		{[]string{"0::/user.slice"}, 0},
		{[]string{"4:memory:/jobs/7", "3:cpu:/", "0::/"}, 0},
		{[]string{"1:name=systemd:/a:b", "0::/"}, 0},
		{[]string{"broken"}, -1},
		{nil, -1},
	} {
		if got := telling(c.lines); got != c.want {
			t.Errorf("%q: %d, want %d", c.lines, got, c.want)
		}
	}
}

// TestEcho holds that a request answered by its own bytes is taken for a reply
// only when it is one, and that its checksum is that of RFC 1071: the sum over
// a message with its checksum is zero.
func TestEcho(t *testing.T) {
	const id = 0xbeef
	m := echoRequest(id, 7)
	if checksum(m) != 0 {
		t.Errorf("checksum of %x is wrong", m)
	}
	packet := append(append([]byte{0x45}, make([]byte, 19)...), m...)
	if isReply(packet, id) {
		t.Error("a request was taken for a reply")
	}
	packet[20] = icmpEchoReply
	if !isReply(packet, id) || isReply(packet, id+1) {
		t.Errorf("reply to us %v, to another %v", isReply(packet, id), isReply(packet, id+1))
	}
}

// FuzzIsReply holds that no packet is a reply without our identifier in it.
func FuzzIsReply(f *testing.F) {
	f.Add([]byte{0x45}, uint16(1))
	f.Add(append(append([]byte{0x45}, make([]byte, 19)...), echoRequest(9, 1)...), uint16(9))
	f.Fuzz(func(t *testing.T, b []byte, id uint16) {
		if isReply(b, id) && !bytes.Contains(b, []byte{byte(id >> 8), byte(id)}) {
			t.Errorf("%x is no reply to %x", b, id)
		}
	})
}

// FuzzMountIn holds that what is found on a mount point stands in a line that
// names it.
func FuzzMountIn(f *testing.F) {
	f.Add("31 30 0:29 / /mnt rw,relatime - tmpfs none rw\n", "/mnt")
	f.Add("a - b", "")
	f.Fuzz(func(t *testing.T, text, dir string) {
		if got := mountIn(text, dir); got != notMounted && (!strings.Contains(text, dir) || !strings.Contains(got, " from ")) {
			t.Errorf("%q on %q of %q", got, dir, text)
		}
	})
}
