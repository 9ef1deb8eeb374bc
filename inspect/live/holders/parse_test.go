package holders

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// Text of Linux 6.18.
var fdinfos = map[string]struct {
	text string
	want []pin
}{
	"io_uring": {
		"pos:\t0\nflags:\t02000002\nmnt_id:\t16\nino:\t2058\nSqMask:\t0x0\nSqHead:\t0\nUserFiles:\t3\n    0: net:[4026532299]\n    1: <none>\n    2: socket:[4711]\nUserBufs:\t0\nPollList:\nCqOverflowList:\n",
		[]pin{{kind: inspect.RefIOUring, typ: inspect.Net, ino: 4026532299, text: "net:[4026532299]"}},
	},
	"inotify": {
		"pos:\t0\nflags:\t02004000\nmnt_id:\t16\nino:\t2058\ninotify wd:1 ino:f000009a sdev:4 mask:20 ignored_mask:0 fhandle-bytes:10 fhandle-type:f1 f_handle:2a0000000000000000000040" + "9a0000f0\n",
		[]pin{{kind: inspect.RefInotify, dev: 4, ino: 0xf000009a, typ: inspect.Net, serial: 42}},
	},
	"fanotify": {
		"pos:\t0\nfanotify flags:0 event-flags:0\nfanotify mnt_id:1d mflags:0 mask:20 ignored_mask:0\nfanotify ino:f0000011 sdev:fe00001 mflags:0 mask:20 ignored_mask:0\n",
		[]pin{{kind: inspect.RefFanotify, dev: unix.Mkdev(0xfe, 1), ino: 0xf0000011}},
	},
	"pidfd": {"pos:\t0\nflags:\t02000002\nPid:\t-1\nNSpid:\t-1\n", []pin{{kind: inspect.RefPidfd}}},
	"alive": {"pos:\t0\nPid:\t4711\nNSpid:\t4711\n", nil},
}

func TestParseFdinfo(t *testing.T) {
	for name, c := range fdinfos {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parseFdinfo(c.text), cmp.AllowUnexported(pin{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzParseFdinfo holds that whatever is found was in the text: no more pins
// than lines, and each either names an inode or is a dead pidfd.
func FuzzParseFdinfo(f *testing.F) {
	for _, c := range fdinfos {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pins := parseFdinfo(text)
		if lines := strings.Count(text, "\n") + 1; len(pins) > lines {
			t.Fatalf("%d pins in %d lines", len(pins), lines)
		}
		for _, p := range pins {
			if (p.ino == 0) != (p.kind == inspect.RefPidfd) {
				t.Errorf("pin %+v", p)
			}
		}
	})
}

func TestAddress(t *testing.T) {
	for want, b := range map[string]string{
		"127.0.0.1:4711":   "\x02\x00\x12\x67\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00",
		"":                 "\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		"[::1]:80":         "\x0a\x00\x00\x50\x00\x00\x00\x00" + strings.Repeat("\x00", 15) + "\x01\x00\x00\x00\x00",
		"/run/docker.sock": "\x01\x00/run/docker.sock\x00rest",
		"@abstract":        "\x01\x00\x00abstract",
		"interface 3":      "\x11\x00\x08\x00\x03\x00\x00\x00",
	} {
		if got := address([]byte(b)); got != want {
			t.Errorf("%q is %q, want %q", b, got, want)
		}
	}
}

// FuzzAddress holds that no bytes of a kernel make address panic, and that a
// short one is none.
func FuzzAddress(f *testing.F) {
	f.Add([]byte("\x02\x00\x12\x67\x7f\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x01\x00\x00abstract"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := address(b); len(b) < 2 && got != "" {
			t.Errorf("%q is %q", b, got)
		}
	})
}

func TestMountID(t *testing.T) {
	for text, want := range map[string]int{"36 35 98:0 /mnt1 /mnt2 rw": 36, "proc /proc proc rw": 0, "": 0, "device /dev/vda1 mounted on /": 0} {
		if got := mountID([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
