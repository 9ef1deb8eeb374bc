package live

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"nsinspect/inspect"
)

const opLinks = "read namespace links"

// procTasks is the taskSource that reads /proc.
type procTasks struct {
	root int
	dir  string // for messages
	dev  uint64 // of nsfs
	// counted is whether the kernel says how many threads a process has, see
	// threadCounter.
	counted bool
}

func newProcTasks(root int, dir string, dev uint64) *procTasks {
	s := &procTasks{root: root, dir: dir, dev: dev}
	s.counted = threadsAreCounted(root)
	return s
}

func (s *procTasks) read(ctx context.Context, q taskQuery, p *problems) ([]inspect.Process, error) {
	pids, err := s.list(q)
	if err != nil {
		return nil, err
	}
	procs := make([]inspect.Process, len(pids))
	err = parallel(ctx, len(pids), func() func(int, int) {
		w := &taskReader{
			procTasks: s, q: q, p: p,
			links: linkReader{root: s.root, dev: s.dev}, count: threadCounter{root: s.root},
		}
		return func(from, to int) {
			for i := from; i < to; i++ {
				w.process(pids[i], &procs[i])
			}
		}
	})
	p.total(opLinks, len(pids))
	return slices.DeleteFunc(procs, func(p inspect.Process) bool { return p.PID == 0 }), err
}

// list returns the pids to look at in ascending order.
func (s *procTasks) list(q taskQuery) ([]int, error) {
	if q.only == nil {
		pids, err := readPIDs(s.root, ".", make([]byte, 32<<10), nil)
		if err != nil {
			return nil, fmt.Errorf("list processes in %s: %w", s.dir, err)
		}
		slices.Sort(pids)
		return slices.Compact(pids), nil
	}
	return slices.Compact(slices.Sorted(slices.Values(q.only))), nil
}

// taskReader is one worker of procTasks.
type taskReader struct {
	*procTasks
	q     taskQuery
	p     *problems
	links linkReader
	count threadCounter
	tids  []int
	buf   []byte
}

// process fills in what is at pid. It leaves out.PID zero when it is gone.
func (r *taskReader) process(pid int, out *inspect.Process) {
	err := r.links.process(pid, &out.NS)
	if err != nil {
		out.NS = inspect.Links{}
		// Right when a task dies its links turn unreadable before they go.
		if gone(err) || !exists(r.root, pid) {
			return
		}
		r.p.add(opLinks, fmt.Sprintf("%s/%d/ns", r.dir, pid), pid, err)
	}
	out.PID = pid
	if err == nil && r.q.threads && r.mayHaveThreads(pid) {
		out.Threads = r.threads(pid, &out.NS)
	}
}

// mayHaveThreads reports whether a process has threads besides its leader, or
// may have, where the kernel does not say.
func (r *taskReader) mayHaveThreads(pid int) bool {
	return !r.counted || r.count.threads(pid) > 1
}

// threads returns the threads whose links differ from their leader's.
func (r *taskReader) threads(pid int, leader *inspect.Links) []inspect.Thread {
	if r.buf == nil {
		r.buf = make([]byte, 8<<10)
	}
	var err error
	r.tids, err = readPIDs(r.root, strconv.Itoa(pid)+"/task", r.buf, r.tids[:0])
	if err != nil && !gone(err) {
		r.p.add("list threads", fmt.Sprintf("%s/%d/task", r.dir, pid), pid, err)
	}
	which := threadLinks(leader)
	var out []inspect.Thread
	for _, tid := range r.tids {
		if tid == pid {
			continue
		}
		links := *leader
		err := r.links.thread(pid, tid, which, &links)
		if err == nil && links != *leader {
			out = append(out, inspect.Thread{TID: tid, Comm: threadComm(r.root, pid, tid), NS: links})
		}
		if err != nil && !gone(err) && exists(r.root, tid) {
			r.p.add("read namespace links of threads", fmt.Sprintf("%s/%d/task/%d/ns", r.dir, pid, tid), pid, err)
		}
	}
	return out
}

// threadLinks are the links in which a thread can differ from its leader. A
// zombie leader has no mount namespace any more: its threads tell all.
func threadLinks(leader *inspect.Links) linkSet {
	if leader[inspect.LinkMnt].IsZero() {
		return allLinks
	}
	return allLinks &^ sharedLinks
}

// threadComm returns "" when the thread is gone.
func threadComm(root, pid, tid int) string {
	b, _ := readFile(root, fmt.Sprintf("%d/task/%d/comm", pid, tid), nil)
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	return text(b)
}
