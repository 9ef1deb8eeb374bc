package live

import (
	"context"
	"runtime"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

const opHostname = "read hostname of UTS namespace"

// readHostnames asks each UTS namespace in focus for its names: our own by
// uname(2), the others by going there, which needs CAP_SYS_ADMIN.
func (c *capture) readHostnames(ctx context.Context) error {
	own := c.observer.NS.Of(inspect.UTS)
	list := c.ns.wanted(inspect.UTS)
	var foreign []*entry
	for _, e := range list {
		if e.ns.ID != own {
			foreign = append(foreign, e)
			continue
		}
		name, err := utsName()
		if e.ns.UTS = name; err != nil {
			c.p.add(opHostname, c.where(e), 0, err)
		}
	}
	if len(foreign) > 0 {
		onDoomedThread(func() {
			for _, e := range foreign {
				if ctx.Err() == nil {
					c.visitUTS(e)
				}
			}
		})
	}
	c.p.total(opHostname, len(list))
	return ctx.Err()
}

// visitUTS enters a UTS namespace with the calling thread.
func (c *capture) visitUTS(e *entry) {
	fd, err := c.open(e)
	if gone(err) {
		return
	}
	if err == nil {
		err = unix.Setns(fd, unix.CLONE_NEWUTS)
		unix.Close(fd)
	}
	if err == nil {
		e.ns.UTS, err = utsName()
	}
	if err != nil {
		c.p.add(opHostname, c.where(e), 0, err)
	}
}

// utsName returns the names that the calling thread sees; nil with the error.
func utsName() (*inspect.UTSName, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return nil, err
	}
	return &inspect.UTSName{Hostname: cString(uts.Nodename[:]), Domainname: cString(uts.Domainname[:])}, nil
}

// onDoomedThread calls f on a thread that ends afterwards, whatever namespaces
// it is in by then, and never runs other code again: it is never unlocked. The
// main thread cannot end; while it is held here f gets another one.
func onDoomedThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			onDoomedThread(f)
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}
