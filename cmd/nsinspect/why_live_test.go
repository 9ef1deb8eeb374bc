package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/hold"
)

// nsinspect runs the program and returns what it writes and its status.
func nsinspect(args ...string) (stdout, stderr string, status int) {
	var out, talk bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &talk, getenv: os.Getenv, now: time.Now}
	status = a.run(args)
	return out.String(), talk.String(), status
}

// holdAll holds namespaces in all ways at once and takes one deep snapshot.
func holdAll(t *testing.T) (map[string]*hold.Held, *inspect.Index) {
	t.Helper()
	livetest.Root(t)
	all := map[string]*hold.Held{}
	for _, w := range hold.Ways() {
		t.Run("make "+w.Name, func(inner *testing.T) { all[w.Name] = hold.StartUntil(t, inner, w) })
	}
	out, talk, status := nsinspect("snapshot", "--deep", "--no-containers")
	if status != 0 {
		t.Fatalf("status %d: %s", status, talk)
	}
	s, err := inspect.Decode(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return all, inspect.NewIndex(s)
}

// TestWhyOfEachHolder looks at the conclusions for what is held in each way:
// the process or thread is named where a scan sees it, and the kernel's count
// of references is made up by what is named, unless something is hidden.
func TestWhyOfEachHolder(t *testing.T) {
	all, x := holdAll(t)
	for _, w := range hold.Ways() {
		h := all[w.Name]
		if h == nil || w.Nothing || h.NS.IsZero() {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			n := x.Namespace(h.NS)
			if n == nil {
				t.Fatalf("%s:[%d] is not in the snapshot", h.Type, h.NS.Ino)
			}
			why := graph.WhyOf(x, n)
			if w.Found != hold.ByCensus && (!names(why.Holders, h.PID) || len(why.Free) == 0) {
				t.Errorf("process %d is not named, or nothing would free it: %+v", h.PID, why)
			}
			checkReferences(t, w, &why)
		})
	}
}

// names reports whether a process is among holders or what holds these.
func names(list []graph.Holder, pid int) bool {
	for i := range list {
		if l := list[i].Lead; l != nil && l.PID == pid || names(list[i].Holders, pid) {
			return true
		}
	}
	return false
}

func checkReferences(t *testing.T, w hold.Way, why *graph.Why) {
	t.Helper()
	hidden := w.Found == hold.ByCensus && w.Kind == ""
	if why.Explained == nil || strings.Contains(w.Name, "thread") {
		return
	}
	if refs, explained := *why.RefCount, *why.Explained; hidden != (refs > explained) {
		t.Errorf("%d references, %d explained: %+v", refs, explained, why)
	}
	if told := strings.Contains(strings.Join(why.Unknown, " "), "does not show"); hidden != told {
		t.Errorf("hidden is %v, but told is %q", hidden, why.Unknown)
	}
}

// TestWhyOutput reads what the command writes for a few of them.
func TestWhyOutput(t *testing.T) {
	want := map[string]string{
		"net tcp listener":  "tcp listening on 127.0.0.1:4711",
		"net tun interface": "hold0",
		"uts bind mount":    "mounted at /dev/shm/ns in mnt:[",
		"net thread":        "thread ",
	}
	for _, w := range hold.Ways() {
		if want[w.Name] == "" {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			h := hold.Start(t, w)
			out, talk, status := nsinspect("why", fmt.Sprintf("%s:%d", h.Type, h.NS.Ino), "--no-containers")
			for _, word := range []string{want[w.Name], fmt.Sprint(h.PID), "to free it"} {
				if status != 0 || !strings.Contains(out, word) {
					t.Errorf("status %d, no %q in\n%s%s", status, word, out, talk)
				}
			}
		})
	}
}
