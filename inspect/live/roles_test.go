package live_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

func TestMain(m *testing.M) {
	livetest.Main(m, map[string]livetest.Role{
		"named":    named,
		"threads":  threads,
		"zombie":   zombieLeader,
		"orphan":   orphan,
		"forever":  forever,
		"offset":   offset,
		"collect":  collect,
		"ownproc":  ownProc,
		"features": features,
		"leaker":   leaker,
		"etc":      etc,
	})
}

// named has a hostname, a domain name and a command of its own, each given in
// hexadecimal digits; "-" leaves it.
func named(args []string) error {
	set := []func([]byte) error{
		unix.Sethostname, unix.Setdomainname,
		func(b []byte) error { return os.WriteFile("/proc/self/comm", b, 0) },
	}
	for i, f := range set {
		if args[i] == "-" {
			continue
		}
		b, err := hex.DecodeString(args[i])
		if err == nil {
			err = f(b)
		}
		if err != nil {
			return err
		}
	}
	livetest.Ready()
	return nil
}

// threads has four threads besides: one in a network and a UTS namespace of
// its own, one whose children will be in a new time namespace, one whose
// children will be in a new pid namespace that has no process yet, and one
// like the leader.
func threads([]string) (err error) {
	onMainThread(func() {
		var tids []any
		for _, flags := range []int{unix.CLONE_NEWNET | unix.CLONE_NEWUTS, unix.CLONE_NEWTIME, unix.CLONE_NEWPID, 0} {
			var tid int
			if tid, err = thread(func() error { return unix.Unshare(flags) }); err != nil {
				return
			}
			tids = append(tids, tid)
		}
		livetest.Ready(tids...)
	})
	return err
}

// thread calls f on a thread of its own that stays.
func thread(f func() error) (tid int, err error) {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		tid = unix.Gettid()
		err = f()
		close(done)
		select {}
	}()
	<-done
	return tid, err
}

// zombieLeader ends its first thread and lives on in another one.
func zombieLeader([]string) error {
	leader := make(chan struct{})
	go func() {
		<-leader
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			panic("the first thread was to end")
		}
		for {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", os.Getpid()))
			if err != nil || bytes.Contains(stat, []byte(") Z ")) {
				break
			}
			runtime.Gosched()
		}
		livetest.Ready(unix.Gettid())
		os.Exit(0)
	}()
	onMainThread(func() {
		close(leader)
		_, _, _ = unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
	})
	return errors.New("the first thread did not end")
}

// onMainThread calls f on the first thread of the process. A goroutine that
// holds another thread leaves the first one to the next goroutine.
func onMainThread(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		onMainThread(f)
	}()
	<-done
}

// orphan starts a process in a user namespace below its own, says its pid, and
// ends before it.
func orphan([]string) error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "NSINSPECT_LIVETEST_ROLE=forever")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 7, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 8, HostID: 0, Size: 1}},
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return err
	}
	livetest.Ready(cmd.Process.Pid)
	return nil
}

// forever is for sandboxes, with which it ends.
func forever([]string) error {
	livetest.Say()
	return unix.Pause()
}

// offset starts a process in a time namespace with other clocks.
func offset([]string) error {
	var child *exec.Cmd
	_, err := thread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWTIME); err != nil {
			return err
		}
		file := fmt.Sprintf("/proc/%d/timens_offsets", unix.Gettid())
		if err := os.WriteFile(file, []byte("monotonic 604800 500000000\nboottime -5 1\n"), 0); err != nil {
			return err
		}
		child = exec.Command("/proc/self/exe")
		child.Env = append(os.Environ(), "NSINSPECT_LIVETEST_ROLE=idle")
		child.Stdin = os.Stdin
		out, err := child.StdoutPipe()
		if err != nil {
			return err
		}
		if err := child.Start(); err != nil {
			return err
		}
		_, err = bufio.NewReader(out).ReadString('\n')
		return err
	})
	if err != nil {
		return err
	}
	livetest.Say(child.Process.Pid)
	return child.Wait()
}

// collect writes a whole snapshot, as the user sees it whom the role runs as.
// With a second word it looks for holders too.
func collect(args []string) error {
	facts := taskFacts
	if len(args) > 1 {
		facts |= inspect.FactsHolders | inspect.FactsDeep
	}
	s, err := live.Collect(context.Background(), live.Options{Facts: facts, ProcRoot: args[0]})
	if err != nil {
		return err
	}
	return inspect.Encode(os.Stdout, s)
}

// ownProc mounts a proc of its own pid namespace.
func ownProc([]string) error {
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	livetest.Ready()
	return nil
}
