package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// silent is an engine that accepts every connection and never answers. It
// returns its DOCKER_HOST and counts who asks.
func silent(t testing.TB) (string, *atomic.Int32) {
	t.Helper()
	dir, err := os.MkdirTemp("", "eng") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			asked.Add(1)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		os.RemoveAll(dir)
	})
	return "unix://" + filepath.Join(dir, "docker.sock"), &asked
}

// An engine that hangs leaves the short id, and says so on stderr and in JSON.
func checkEngineHangs(t *testing.T, s scene) {
	host, asked := silent(t)
	r := nsinspect(t, host, "ls", "-o", "json")
	if r.status != 0 || asked.Load() == 0 {
		t.Fatalf("status %d, asked %d times\n%s", r.status, asked.Load(), r.stderr)
	}
	checkShortIDs(t, r, s)
	var l listing
	decode(t, r.stdout, &l)
	found := 0
	for _, p := range l.Problems {
		if p.Op == "ask container engine" && p.Path == host && strings.Contains(p.Err, "no answer within") && p.Hint != "" {
			found++
		}
	}
	if found != 1 || !strings.Contains(r.stderr, "no answer within") {
		t.Errorf("%d problems in JSON about the engine, want 1; stderr: %q", found, r.stderr)
	}
}

func checkShortIDs(t *testing.T, r result, s scene) {
	t.Helper()
	var l listing
	decode(t, r.stdout, &l)
	for name, a := range s {
		for typ, ino := range a.private(t) {
			row := l.row(ino)
			if row == nil || row.Container == nil {
				t.Errorf("%s of %s has no container: %+v", typ, name, row)
				continue
			}
			if want := s[leadOf(name, typ.String())]; row.Container.ID != want.ID || row.Container.Name != want.short() {
				t.Errorf("%s of %s is of %+v, want %s", typ, name, row.Container, want.short())
			}
		}
	}
}

// leadOf is the container that was first in a namespace of the scene.
func leadOf(name, typ string) string {
	if name == "side" && typ == "net" {
		return "web1"
	}
	return name
}

// With --no-containers nobody is asked, and nothing is missing but names.
func checkNoContainers(t *testing.T, s scene) {
	host, asked := silent(t)
	r := nsinspect(t, host, "ls", "--no-containers", "-o", "json")
	if r.status != 0 || asked.Load() != 0 {
		t.Fatalf("status %d, asked %d times\n%s", r.status, asked.Load(), r.stderr)
	}
	checkShortIDs(t, r, s)
	if strings.Contains(r.stderr, "engine") {
		t.Errorf("stderr: %q", r.stderr)
	}
}

// An id's beginning is a target also where no engine tells names.
func checkShortID(t *testing.T, s scene) {
	host, _ := silent(t)
	r := nsinspect(t, host, "ls", "--no-headings", "--columns=NS,CONTAINER", "--no-containers", "-p", s["web1"].short())
	if r.status != 0 || len(tableOf(t, r.stdout)) != len(s["web1"].ns) {
		t.Errorf("ls -p %s: status %d\n%s%s", s["web1"].short(), r.status, r.stdout, r.stderr)
	}
}

// BenchmarkEngineHangs measures what an engine that hangs costs nsinspect ls,
// against a run that asks none.
func BenchmarkEngineHangs(b *testing.B) {
	host, _ := silent(b)
	var hanging, without time.Duration
	for b.Loop() {
		start := time.Now()
		nsinspect(b, host, "ls")
		half := time.Now()
		nsinspect(b, host, "ls", "--no-containers")
		hanging, without = hanging+half.Sub(start), without+time.Since(half)
	}
	b.ReportMetric(float64((hanging-without).Milliseconds())/float64(b.N), "extra-ms/op")
}
