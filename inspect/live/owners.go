package live

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

const opOwner = "read owner of namespace"

// owners asks each namespace in focus once for its owner, parent and serial,
// and adds the ancestors that this leads to and that no task is in.
type owners struct {
	*capture
	mu    sync.Mutex
	found []relative
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
	ns.Serial = nsfs.Serial(fd)
	ns.Owner = o.relative(fd, e, nsfs.Owner, inspect.User)
	switch ns.Type {
	case inspect.PID:
		ns.Parent = o.relative(fd, e, nsfs.Parent, inspect.PID)
	case inspect.User:
		ns.Parent = ns.Owner // nsfs.Parent asks the same
		uid, err := nsfs.OwnerUID(fd)
		if o.check(e, opOwner, err); err == nil {
			ns.OwnerUID = &uid
		}
	}
}

// relative returns the ID of what ask leads to; zero at the top. It keeps the
// file open when the namespace is a new one.
func (o *owners) relative(fd int, e *entry, ask func(int) (int, error), typ inspect.Type) inspect.ID {
	rel, err := ask(fd)
	if err != nil {
		if !errors.Is(err, unix.EPERM) {
			o.check(e, opOwner, err)
		}
		return inspect.ID{}
	}
	id, err := identity(rel)
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
