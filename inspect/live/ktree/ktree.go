// Package ktree reads the kernel's own lists of namespaces, with the number of
// references to each. It is the only way to see all of them, whatever holds
// them. It needs CAP_BPF, CAP_PERFMON, the kernel's type information and a
// kernel that has such lists (Linux 6.18).
package ktree

import (
	"encoding/binary"
	"errors"
	"runtime"

	"nsinspect/inspect"
)

// Node is a namespace in a list of the kernel.
type Node struct {
	Type   inspect.Type
	Ino    uint64
	Serial uint64 // 64-bit id
	Refs   int    // number of references
}

// Read returns all namespaces of the kernel.
func Read() ([]Node, error) {
	l, err := readLayout()
	if err != nil {
		return nil, err
	}
	m, err := openMemory()
	if err != nil {
		return nil, err
	}
	defer m.close()
	runtime.LockOSThread() // all runs are by the same task
	defer runtime.UnlockOSThread()
	w := walker{layout: l, memory: m}
	task, err := m.task()
	if err != nil {
		return nil, err
	}
	var nodes []Node
	for _, k := range l.kinds {
		list, err := w.kind(task, k)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, list...)
	}
	return nodes, nil
}

type walker struct {
	*layout
	*memory
}

// own returns the address of the running task's namespace of a kind.
func (w *walker) own(task uint64, k kindLayout) (uint64, error) {
	at, then := w.nsproxy, k.proxy
	if k.typ == inspect.User {
		at, then = w.cred, w.userNS
	}
	p, err := w.pointer(task + at)
	if err != nil {
		return 0, err
	}
	ns, err := w.pointer(p + then)
	return ns + k.ns, err
}

var errChanged = errors.New("the lists of namespaces changed while they were read")

// kind walks the ring that the running task's namespace is in. The list may
// change meanwhile: what does not look like a namespace of that kind, but for
// the one head, means to begin again.
func (w *walker) kind(task uint64, k kindLayout) ([]Node, error) {
	start, err := w.own(task, k)
	if err != nil {
		return nil, err
	}
	for range 8 {
		nodes, err := w.ring(start+w.next, k)
		if !errors.Is(err, errChanged) && !errors.Is(err, errFault) {
			return nodes, err
		}
	}
	return nil, errChanged
}

// maxNodes ends a ring that does not close.
const maxNodes = 1 << 20

func (w *walker) ring(start uint64, k kindLayout) ([]Node, error) {
	var nodes []Node
	heads := 0
	for at := start; ; {
		b, err := w.read(at - w.next)
		if err != nil {
			return nil, err
		}
		if binary.NativeEndian.Uint32(b[w.layout.kind:]) == k.flag {
			n := Node{
				Type: k.typ, Ino: uint64(binary.NativeEndian.Uint32(b[w.inum:])),
				Serial: binary.NativeEndian.Uint64(b[w.serial:]), Refs: int(int32(binary.NativeEndian.Uint32(b[w.refs:]))),
			}
			if n.Refs > 0 { // 0: about to be freed
				nodes = append(nodes, n)
			}
		} else if heads++; heads > 1 {
			return nil, errChanged
		}
		at = binary.NativeEndian.Uint64(b[w.layout.next:])
		if at == start {
			return nodes, nil
		}
		if len(nodes) > maxNodes || at == 0 {
			return nil, errChanged
		}
	}
}
