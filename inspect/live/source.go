package live

import (
	"context"

	"nsinspect/inspect"
)

// A taskSource yields the processes of a host with the namespace links of
// their tasks, by pid, Info left nil. It is the one place that knows how links
// are come by: by /proc (procTasks), or by walking the kernel's own list.
type taskSource func(ctx context.Context, q taskQuery, p *problems) ([]inspect.Process, error)

// taskQuery says which tasks are wanted.
type taskQuery struct {
	only    []int // of these processes alone; nil for all
	threads bool  // also of threads that differ from their leader
}
