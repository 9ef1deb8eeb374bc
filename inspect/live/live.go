package live

import (
	"context"
	"time"

	"nsinspect/inspect"
	"nsinspect/inspect/container"
)

// Options say what Collect reads.
type Options struct {
	// Facts are the sorts of facts wanted. FactTasks is implied.
	Facts inspect.Facts
	// Only narrows the capture to these processes: no other is looked at. A
	// process that does not exist is a *NoProcessError. Nil is all.
	Only []int
	// Focus chooses, when links, names and containers are known, the processes
	// that the other facts are wanted of, and of the namespaces that they are
	// in. A nil Focus, or one that returns nil, is all.
	Focus func(*inspect.Index) []int
	// Sockets narrows FactSockets when links and mounts are known: false leaves
	// it out. Nil is true.
	Sockets func(*inspect.Index) bool
	// CensusWithout leaves out steps of FactCensus by name, see package census.
	CensusWithout []string
	// Cmdline asks for full command lines, which can hold secrets.
	Cmdline bool
	// Engines are asked for containers with FactContainers; nil asks none.
	Engines container.Source
	// ProcRoot is where proc is mounted; "" is /proc.
	ProcRoot string
	// Tool is Snapshot.Tool, the program and its version.
	Tool string
	// Now is the clock of Host.Taken; nil is time.Now.
	Now func() time.Time
}

// Collect reads the running host. What cannot be read is in the snapshot's
// Problems; the error says that nothing can: there is no usable /proc, a
// process of Options.Only does not exist, or ctx was cancelled.
func Collect(ctx context.Context, o Options) (*inspect.Snapshot, error) {
	c, err := newCapture(o)
	if err != nil {
		return nil, err
	}
	defer c.close()
	return c.run(ctx)
}
