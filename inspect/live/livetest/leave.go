package livetest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// OpenFiles counts the open files of the test.
func OpenFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// AwaitNetHome waits until no thread of the test is in another network
// namespace than the test: a thread ends a moment after its goroutine. It
// fails where one stays.
func AwaitNetHome(t testing.TB) {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		away := 0
		links, err := filepath.Glob("/proc/self/task/*/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if ns, err := os.Readlink(link); err == nil && ns != own {
				away++
			}
		}
		if away == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d threads are in other namespaces", away)
		}
		time.Sleep(time.Millisecond)
	}
}
