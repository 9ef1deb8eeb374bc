package live

import (
	"context"
	"sync"
	"sync/atomic"
)

// parallel calls work for consecutive parts of 0…n until all are done or ctx
// is. Each worker makes its own work, which so can keep buffers.
func parallel(ctx context.Context, n int, worker func() func(from, to int)) error {
	const part = 64
	var next atomic.Int64
	run := func() {
		work := worker()
		for ctx.Err() == nil {
			from := int(next.Add(part)) - part
			if from >= n {
				return
			}
			work(from, min(from+part, n))
		}
	}
	var wg sync.WaitGroup
	for range min(workers(), (n+part-1)/part) - 1 {
		wg.Go(run)
	}
	run()
	wg.Wait()
	return ctx.Err()
}
