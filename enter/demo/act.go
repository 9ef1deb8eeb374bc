package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter"
	"nsinspect/inspect"
)

// Hooks are what an actor can do only with the rest of nsinspect.
type Hooks struct {
	// Collect reads facts about processes, from where the actor is.
	Collect func(ctx context.Context, f inspect.Facts, pids []int) (*inspect.Snapshot, error)
}

// IsLaunch reports whether the last word of Options.Self's command line calls
// [Launch] instead of [Act].
func IsLaunch(word string) bool { return word == launchWord }

// Launch reads a request of package enter from standard input, a line of JSON,
// says on standard output what it plans, and becomes the command of the
// request. It returns only when that failed.
func Launch() error {
	r, err := readRequest(os.Stdin)
	if err != nil {
		return err
	}
	facts, err := enter.LookSelf()
	if err != nil {
		return err
	}
	hold, err := enter.Look(r, facts)
	if err != nil {
		return err
	}
	defer hold.Close()
	plan, err := enter.Make(r, facts)
	if err != nil {
		return err
	}
	if err := plan.Check(hold); err != nil {
		return err
	}
	h := hello{Plan: []string{}}
	for _, s := range plan.Steps[:len(plan.Steps)-1] { // all but the command
		h.Plan = append(h.Plan, s.Words())
	}
	if err := say(os.Stdout, h, nil); err != nil {
		return err
	}
	_, err = enter.Run(plan, hold)
	return err
}

// readRequest reads one line and not a byte more: what follows is for the
// command.
func readRequest(in io.Reader) (*enter.Request, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, fmt.Errorf("read the request: %w", err)
		}
		if b[0] == '\n' {
			break
		}
		line = append(line, b[0])
	}
	r := &enter.Request{}
	return r, json.Unmarshal(line, r)
}

// stageHand is a process of an experiment, seen from inside.
type stageHand struct {
	hooks Hooks
	undo  []func() // what must not be left behind, the last first
	keep  bool     // live on when the input ends
}

// Act is a process of an experiment: it carries out orders from in and answers
// to out until in ends. name is what it is called in lists of processes.
func Act(name string, in io.Reader, out io.Writer, hooks Hooks) error {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0) // for those who look; /proc may be another's
	h := &stageHand{hooks: hooks}
	defer h.end()
	if err := say(out, nil, nil); err != nil {
		return err
	}
	for orders := json.NewDecoder(in); ; {
		var o order
		err := orders.Decode(&o)
		switch {
		case errors.Is(err, io.EOF) && h.keep:
			wait()
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		v, err := h.do(o)
		if err := say(out, v, err); err != nil {
			return err
		}
	}
}

// wait waits for a signal that ends the process.
func wait() {
	for {
		_, _ = unix.Poll(nil, -1)
	}
}

func (h *stageHand) end() {
	for _, undo := range slices.Backward(h.undo) {
		undo()
	}
}

// say answers an order.
func say(w io.Writer, v any, err error) error {
	var a answer
	if err != nil {
		a.Err = err.Error()
		errors.As(err, &a.Errno)
	} else if v != nil {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		a.Value = data
	}
	return json.NewEncoder(w).Encode(a)
}

// do carries out an order.
func (h *stageHand) do(o order) (any, error) {
	arg := func(i int) string {
		if i < len(o.Args) {
			return o.Args[i]
		}
		return ""
	}
	switch o.Act {
	case "look":
		return lookAtSelf()
	case "hostname":
		return os.Hostname()
	case "set hostname":
		return nil, os.NewSyscallError("sethostname", unix.Sethostname([]byte(arg(0))))
	case "become root":
		return nil, becomeRoot()
	case "clocks":
		return readClocks()
	case "make cgroup":
		return h.makeCgroup(arg(0))
	case "snapshot":
		return h.snapshot(o.Args)
	case "keep":
		h.keep = true
		return nil, nil
	}
	if v, err, ok := h.doProcess(o.Act, arg); ok {
		return v, err
	}
	if v, err, ok := h.doFile(o.Act, arg); ok {
		return v, err
	}
	if v, err, ok := doNet(o.Act, arg); ok {
		return v, err
	}
	return nil, fmt.Errorf("unknown order %q", o.Act)
}

// doProcess is about processes and what they share in memory.
func (h *stageHand) doProcess(act string, arg func(int) string) (v any, err error, ok bool) { //nolint:revive // ok says whether there is such an order
	switch act {
	case "processes":
		v, err = listProcesses()
	case "make ipc":
		err = makeIPC(arg(0))
	case "see ipc":
		v, err = seeIPC()
	case "write map":
		err = writeMap(arg(0), arg(1), arg(2))
	default:
		return nil, nil, false
	}
	return v, err, true
}

// snapshot collects facts about processes, in the encoding of package inspect.
func (h *stageHand) snapshot(args []string) (any, error) {
	if h.hooks.Collect == nil {
		return nil, errors.New("this process cannot collect facts")
	}
	var pids []int
	facts, err := strconv.ParseUint(args[0], 10, 32)
	if err != nil {
		return nil, err
	}
	for _, a := range args[1:] {
		pid, err := strconv.Atoi(a)
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	s, err := h.hooks.Collect(context.Background(), inspect.Facts(facts), pids)
	if err != nil {
		return nil, err
	}
	return encodeSnapshot(s)
}

// writeMap writes setgroups, uid_map or gid_map of a process.
func writeMap(pid, file, text string) error {
	f, err := os.OpenFile("/proc/"+pid+"/"+file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

// becomeRoot takes on the ids 0 in our user namespace.
func becomeRoot() error {
	if err := syscall.Setresgid(0, 0, 0); err != nil {
		return os.NewSyscallError("setresgid", err)
	}
	return os.NewSyscallError("setresuid", syscall.Setresuid(0, 0, 0))
}
