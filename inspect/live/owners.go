package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

const opOwner = "read owner of namespace"

// owners asks each namespace in focus once for its owner, parent and serial,
// and adds the ancestors that this leads to and that no task is in.
type owners struct {
	*capture
	noSerial atomic.Bool // the kernel has no NS_GET_ID
	mu       sync.Mutex
	found    []relative
}

// relative is an open namespace that the table lacks.
type relative struct {
	id  inspect.ID
	typ inspect.Type
	fd  int
}

func (c *capture) readOwners(ctx context.Context) error {
	o := &owners{capture: c}
	list := slices.DeleteFunc(c.ns.wanted(0), func(e *entry) bool { return e.described })
	err := parallel(ctx, len(list), func() func(int, int) {
		return func(from, to int) {
			for _, e := range list[from:to] {
				o.member(e)
			}
		}
	})
	c.p.total(opOwner, len(list))
	for len(o.found) > 0 {
		r := o.found[len(o.found)-1]
		o.found = o.found[:len(o.found)-1]
		if o.ns.known(r.id) == nil {
			e := c.ns.add(r.id, r.typ)
			e.focus = true
			o.describe(r.fd, e)
		}
		unix.Close(r.fd)
	}
	return err
}

// member opens a namespace and describes it.
func (o *owners) member(e *entry) {
	fd, err := o.open(e)
	if gone(err) {
		return
	}
	if err != nil {
		o.p.add(opOwner, o.where(e), 0, err)
		return
	}
	defer unix.Close(fd)
	o.describe(fd, e)
}

// describe fills in what the namespace open at fd says of itself. EPERM is the
// answer at the top, where there is nothing more to see.
func (o *owners) describe(fd int, e *entry) {
	ns := &e.ns
	if !o.noSerial.Load() {
		id, err := nsSerial(fd)
		if errors.Is(err, unix.ENOTTY) {
			o.noSerial.Store(true)
		} else {
			o.check(e, "read id of namespace", err)
		}
		ns.Serial = id
	}
	ns.Owner = o.relative(fd, e, unix.NS_GET_USERNS, inspect.User)
	switch ns.Type {
	case inspect.PID:
		ns.Parent = o.relative(fd, e, unix.NS_GET_PARENT, inspect.PID)
	case inspect.User:
		ns.Parent = ns.Owner // NS_GET_PARENT is the same question
		uid, err := nsOwnerUID(fd)
		if o.check(e, opOwner, err); err == nil {
			ns.OwnerUID = &uid
		}
	}
}

// relative returns the ID of what req leads to; zero at the top. It keeps the
// file open when the namespace is a new one.
func (o *owners) relative(fd int, e *entry, req uint, typ inspect.Type) inspect.ID {
	rel, err := nsRelative(fd, req)
	if err != nil {
		if !errors.Is(err, unix.EPERM) {
			o.check(e, opOwner, err)
		}
		return inspect.ID{}
	}
	id, err := nsIdentity(rel)
	if o.check(e, opOwner, err); err != nil || o.ns.known(id) != nil {
		unix.Close(rel)
		return id
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.found = append(o.found, relative{id, typ, rel})
	return id
}

func (o *owners) check(e *entry, op string, err error) {
	if err != nil {
		o.p.add(op, o.where(e), 0, err)
	}
}
