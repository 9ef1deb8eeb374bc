package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// signals cancels a context on a signal that ends programs, so that what was
// made is removed first.
type signals struct {
	ctx     context.Context
	stop    func()
	got     atomic.Int32
	inShell atomic.Bool // then what the terminal sends is for the shell
}

func catchSignals(ctx context.Context) *signals {
	s := &signals{}
	ctx, cancel := context.WithCancel(ctx)
	s.ctx = ctx
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	s.stop = func() {
		signal.Stop(c)
		cancel()
	}
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case sig := <-c:
				if s.inShell.Load() && (sig == syscall.SIGINT || sig == syscall.SIGQUIT) {
					continue
				}
				s.got.CompareAndSwap(0, int32(sig.(syscall.Signal)))
				cancel()
			}
		}
	}()
	return s
}

// status is the exit status after a signal; 0 when there was none.
func (s *signals) status() int {
	if n := s.got.Load(); n != 0 {
		return 128 + int(n)
	}
	return 0
}
