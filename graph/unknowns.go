package graph

import (
	"fmt"

	"nsinspect/inspect"
)

// unknowns say what was not or cannot be looked at for a namespace.
func unknowns(x *inspect.Index, w *Why) []string {
	s := x.Snapshot()
	var list []string
	not := func(f inspect.Facts, words string) {
		if !s.Scope.Has(f) {
			list = append(list, words)
		}
	}
	not(inspect.FactThreads, "threads were not looked at")
	not(inspect.FactFDs, "open files were not looked at")
	if w.Type == inspect.Net || w.Type == inspect.User {
		not(inspect.FactSockets, "sockets were not looked at")
	}
	not(inspect.FactBinds, "mounts in other mount namespaces were not looked at")
	if n := unreadProcesses(s); n > 0 {
		list = append(list, fmt.Sprintf("%s could not be read: they may hold it too", plural(n, "process", "processes")))
	}
	return append(list, hidden(s, w)...)
}

// hidden says what is known of holders that no file shows.
func hidden(s *inspect.Snapshot, w *Why) []string {
	rest := 0
	if w.Explained != nil {
		rest = *w.RefCount - *w.Explained
	}
	tasks := false
	for i := range w.Holders {
		tasks = tasks || w.Holders[i].Kind == HolderTask || w.Holders[i].Kind == HolderThread
	}
	switch {
	case rest > 0 && !tasks && len(w.Candidates) > 0:
		return []string{fmt.Sprintf("%s by one of the candidates, or by something the kernel does not show", plural(rest, "reference", "references"))}
	case rest > 0 && !tasks:
		return []string{fmt.Sprintf("%s by something the kernel does not show: %s", plural(rest, "reference", "references"), hiddenThings(w.Type))}
	case len(w.Holders) == 0 && s.Census != nil:
		return []string{"held by something the kernel does not show: " + hiddenThings(w.Type)}
	case len(w.Holders) == 0:
		return []string{"nothing that was looked at holds it: it may be gone by now, or be held by something that no file shows (nsinspect why --deep)"}
	case s.Census == nil && !tasks:
		return []string{"what no file shows was not looked for (nsinspect why --deep)"}
	}
	return nil
}

// hiddenThings are what can hold a namespace of a kind without a trace.
func hiddenThings(t inspect.Type) string {
	switch t {
	case inspect.Net:
		return "a socket that an io_uring, an aio request or a sleeping thread has, a connection that cannot end, a message in flight, a file system being set up"
	case inspect.PID:
		return "a pidfd, a mounted proc, credentials in a message"
	case inspect.User:
		return "the credentials of an open file or a key, a mounted file system"
	case inspect.IPC:
		return "an attached shared memory segment, a message in flight"
	case inspect.Cgroup:
		return "an open file of a cgroup file system, a message in flight"
	}
	return "a message in flight, an io_uring, an aio request"
}

// unreadProcesses counts the processes that could not be read.
func unreadProcesses(s *inspect.Snapshot) int {
	pids := map[int]bool{}
	for i := range s.Problems {
		for _, pid := range s.Problems[i].PIDs {
			pids[pid] = true
		}
	}
	return len(pids)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
