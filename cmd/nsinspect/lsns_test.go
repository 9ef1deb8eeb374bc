package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// lsnsRow is what lsns(8) and nsinspect ls both say of a namespace.
type lsnsRow struct {
	Type   string `json:"type"`
	NProcs int    `json:"nprocs"`
	PID    *int   `json:"pid"`
	Host   bool   `json:"host"` // only of nsinspect: it runs in it, and so did lsns
}

// TestLsLikeLsns holds ls true to lsns(8) wherever that knows a namespace with
// a process in it, among the processes of a sandbox with a crowd in it. Rows
// that change between two runs of lsns are left out; threads in namespaces
// that their leader is not in, which lsns does not count, too. Where the two
// name different processes, the one of ls must be older: lsns takes the lowest
// pid, which is another one after the pids began anew.
func TestLsLikeLsns(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		if _, err := exec.LookPath("lsns"); err != nil {
			livetest.Skip(t, "lsns (apt-get install util-linux)")
		}
		livetest.Crowd{Processes: 60, Groups: 6, Kinds: livetest.CrowdKinds}.Start(t)
		const tries, atLeast = 5, 8 + 6*5
		for try := 1; ; try++ {
			compared, wrong := compareWithLsns(t)
			if len(wrong) == 0 && compared >= atLeast {
				t.Logf("%d namespaces compared, try %d", compared, try)
				return
			}
			if try == tries {
				t.Fatalf("%d namespaces compared of %d: %v", compared, atLeast, wrong)
			}
		}
	})
}

// compareWithLsns returns how many namespaces were compared and where ls and
// lsns differ.
func compareWithLsns(t *testing.T) (compared int, wrong []string) {
	before, ours, x, after := lsnsRows(t), lsRows(t), processes(t), lsnsRows(t)
	threads := threadNamespaces(x)
	for ns, want := range before {
		if want.PID == nil || threads[ns] || !same(want, after[ns]) {
			continue
		}
		compared++
		got := ours[ns]
		if got.Host {
			want.NProcs-- // lsns itself; nsinspect is part of the test
		}
		if got.PID != nil && older(x, *got.PID, *want.PID) {
			want.PID = got.PID
		}
		if !same(got, want) {
			wrong = append(wrong, fmt.Sprintf("namespace %d: ls says %s, lsns %s", ns, got, want))
		}
	}
	return compared, wrong
}

func same(a, b lsnsRow) bool {
	return a.Type == b.Type && a.NProcs == b.NProcs && a.PID != nil && b.PID != nil && *a.PID == *b.PID
}

func (r lsnsRow) String() string {
	pid := "none"
	if r.PID != nil {
		pid = strconv.Itoa(*r.PID)
	}
	return fmt.Sprintf("%s, %d processes, pid %s", r.Type, r.NProcs, pid)
}

// lsnsTable is rows by inode.
type lsnsTable map[uint64]lsnsRow

func lsnsRows(t *testing.T) lsnsTable {
	t.Helper()
	out, err := exec.Command("lsns", "-J", "-o", "NS,TYPE,NPROCS,PID").Output()
	if err != nil {
		t.Fatalf("lsns: %v", err)
	}
	return parseRowsOf(t, out)
}

func lsRows(t *testing.T) lsnsTable {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run([]string{"ls", "-o", "json"}, nil, &stdout, &stderr, os.Getenv); status != 0 {
		t.Fatalf("nsinspect ls: status %d: %s", status, stderr.String())
	}
	return parseRowsOf(t, stdout.Bytes())
}

func parseRowsOf(t *testing.T, data []byte) lsnsTable {
	t.Helper()
	var doc struct {
		Namespaces []struct {
			NS uint64 `json:"ns"`
			lsnsRow
		} `json:"namespaces"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	rows := lsnsTable{}
	for _, r := range doc.Namespaces {
		rows[r.NS] = r.lsnsRow
	}
	return rows
}

func processes(t *testing.T) *inspect.Index {
	t.Helper()
	s, err := live.Collect(context.Background(), live.Options{Facts: inspect.FactThreads | inspect.FactProcesses})
	if err != nil {
		t.Fatal(err)
	}
	return inspect.NewIndex(s)
}

// older reports whether process a is known to have started before b.
func older(x *inspect.Index, a, b int) bool {
	p, q := x.Process(a), x.Process(b)
	return p != nil && q != nil && p.Info != nil && q.Info != nil && p.Info.Start < q.Info.Start
}

// threadNamespaces are those that a thread is in and its leader is not.
func threadNamespaces(x *inspect.Index) map[uint64]bool {
	found := map[uint64]bool{}
	for _, p := range x.Snapshot().Processes {
		for _, thread := range p.Threads {
			for l, id := range thread.NS {
				if id != p.NS[l] {
					found[id.Ino] = true
				}
			}
		}
	}
	return found
}
