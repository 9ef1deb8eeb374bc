package enter

import (
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
	"nsinspect/inspect"
)

// superviseStep forks. The parent stays as the face of the command: it passes
// signals on, stops with it and ends as it does. The steps that follow are
// the child's.
type superviseStep struct {
	plain
	init   bool // pid 1 of the new pid namespace only reaps; the command is pid 2
	mirror bool // stop when the command is stopped, for the job control of a shell
	tty    int  // a descriptor that is a terminal; -1 for none
	tied   int  // the pid of nsinspect, with which the supervisor dies; 0 when that became the supervisor
}

func (s superviseStep) Words() string {
	if s.init {
		return "fork a small init as pid 1, then fork and wait: pass signals on, end as the command ends"
	}
	return "fork and wait: pass signals on, end as the command ends"
}

// Layouts of the kernel's structures, the same on all 64-bit architectures.
const (
	sigsetSize  = 8
	sigactSize  = 32
	siginfoSize = 128
	siginfoCode = 8    // offset of si_code
	siKernel    = 0x80 // si_code of a signal that the terminal sent, or a timer
	wnohang     = 1
	wuntraced   = 2
	wcontinued  = 8
	continued   = 0xffff // status of a process that runs again
	lastSignal  = 64
	closeAll    = 0x7fffffff
	// ofTerminal are the signals that a terminal sends to a whole job.
	ofTerminal = 1<<unix.SIGHUP | 1<<unix.SIGINT | 1<<unix.SIGQUIT | 1<<unix.SIGCONT |
		1<<unix.SIGTSTP | 1<<unix.SIGTTIN | 1<<unix.SIGTTOU | 1<<unix.SIGWINCH
)

// supervisor is what the pieces of the program share.
type supervisor struct {
	*compiler
	superviseStep
	all, dfl            stage.Cell // addresses of a full signal set and of struct sigaction for SIG_DFL
	info, status        stage.Addr
	child, initp        stage.Cell
	loop, reap, stopped stage.Label
	decode              stage.Label // what has happened is in status
}

func (s superviseStep) compile(c *compiler) {
	v := supervisor{
		compiler: c, superviseStep: s,
		all: c.Address(c.Bytes([]byte{255, 255, 255, 255, 255, 255, 255, 255})), dfl: c.Address(c.Buffer(sigactSize)),
		info: c.Buffer(siginfoSize), status: c.Buffer(8), child: c.Var(0), initp: c.Var(0),
		loop: c.NewLabel(), reap: c.NewLabel(), stopped: c.NewLabel(), decode: c.NewLabel(),
	}
	oldMask, oldChld := c.Address(c.Buffer(sigsetSize)), c.Address(c.Buffer(sigactSize))
	// A caller that ignores SIGCHLD would leave us without statuses.
	c.sigaction(c.Const(int64(unix.SIGCHLD)), v.dfl, oldChld)
	c.sigmask(v.all, oldMask)
	c.watchParent()
	if s.tied != 0 {
		v.tie()
	}
	if s.init {
		v.forkInit()
	}
	command := c.NewLabel()
	pid := c.Must(stage.Failure{Step: "fork", Hints: forkHints()}, unix.SYS_CLONE, c.Const(int64(unix.SIGCHLD)))
	c.JumpEqual(pid, stage.Zero, command)
	c.Move(v.child, pid)
	if !s.init {
		c.keeper.release(c, inspect.PID)
	}
	// It holds nothing open but its terminal and its own output.
	c.Try(unix.SYS_CLOSE_RANGE, c.Const(3), c.Const(closeAll))
	v.signals()
	v.reaper()
	v.stop()
	c.Place(command)
	c.sigaction(c.Const(int64(unix.SIGCHLD)), oldChld, stage.Zero)
	c.sigmask(oldMask, stage.Zero)
}

func forkHints() map[syscall.Errno]string {
	return map[syscall.Errno]string{
		unix.ENOMEM: "the pid namespace has no init any more, no process can be made in it: leave --pid out",
		unix.EAGAIN: "the limit of processes is reached: ulimit -u, or pids.max of the cgroup",
	}
}

func (c *compiler) sigaction(sig, act, old stage.Cell) {
	c.Try(unix.SYS_RT_SIGACTION, sig, act, old, c.Const(sigsetSize))
}

func (c *compiler) sigmask(set, old stage.Cell) {
	c.Try(unix.SYS_RT_SIGPROCMASK, c.Const(unix.SIG_SETMASK), set, old, c.Const(sigsetSize))
}

// watchParent prepares what dieWithParent of a child asks: a pidfd of us.
func (c *compiler) watchParent() {
	const pollIn = 1 << 32 // struct pollfd {fd int; events, revents short}
	c.parent = c.Buffer(8)
	fd := c.Try(unix.SYS_PIDFD_OPEN, c.Try(unix.SYS_GETPID), stage.Zero) // ppoll(2) passes over a negative one
	c.Store(c.parent, c.Compute(stage.Add, fd, c.Const(pollIn)))
}

// dieWithParent has the kernel kill the process when its parent dies, which it
// may have done before.
func (c *compiler) dieWithParent() {
	c.prctl(unix.PR_SET_PDEATHSIG, int64(unix.SIGKILL))
	dead := c.Try(unix.SYS_PPOLL, c.Address(c.parent), c.Const(1), c.Address(c.Buffer(16)))
	alive := c.NewLabel()
	c.JumpEqual(dead, stage.Zero, alive)
	c.Exit(c.Const(128 + int64(unix.SIGKILL)))
	c.Place(alive)
}

// tie has the kernel kill us when nsinspect dies, which is our parent where it
// stays for a terminal. Joining a user namespace clears the setting, so it is
// made after that.
func (v *supervisor) tie() {
	v.prctl(unix.PR_SET_PDEATHSIG, int64(unix.SIGKILL))
	alive := v.NewLabel()
	v.JumpEqual(v.Try(unix.SYS_GETPPID), v.Const(int64(v.tied)), alive)
	v.Exit(v.Const(128 + int64(unix.SIGKILL)))
	v.Place(alive)
}

// forkInit makes pid 1 of the new pid namespace. It reaps orphans and does
// nothing else; it ends when the supervisor kills it, or dies.
func (v *supervisor) forkInit() {
	begin, after := v.NewLabel(), v.NewLabel()
	pid := v.Must(stage.Failure{Step: "fork the init", Hints: forkHints()}, unix.SYS_CLONE, v.Const(int64(unix.SIGCHLD)))
	v.JumpEqual(pid, stage.Zero, begin)
	v.Move(v.initp, pid)
	v.keeper.release(v.compiler, inspect.PID)
	v.Jump(after)

	v.Place(begin)
	v.dieWithParent()
	v.Try(unix.SYS_PRCTL, v.Const(unix.PR_SET_NAME), v.String("nsinspect-init"))
	v.Try(unix.SYS_CLOSE_RANGE, stage.Zero, v.Const(closeAll))
	loop, wait := v.Loop(), v.NewLabel()
	dead := v.Try(unix.SYS_WAIT4, v.Const(-1), stage.Zero, v.Const(wnohang))
	v.JumpEqual(dead, stage.Zero, wait)
	v.JumpEqual(dead, v.Const(-int64(unix.ECHILD)), wait)
	v.Jump(loop)
	v.Place(wait)
	v.Try(unix.SYS_RT_SIGTIMEDWAIT, v.all, stage.Zero, stage.Zero, v.Const(sigsetSize))
	v.Jump(loop)
	v.Place(after)
}

// signals takes one signal after the other and passes those on that were sent
// to us. What the terminal sends reaches the command by itself, but for a
// hangup: that is for the leader of the session, see tty_ioctl(4).
func (v *supervisor) signals() {
	v.Place(v.loop)
	sig := v.Try(unix.SYS_RT_SIGTIMEDWAIT, v.all, v.Address(v.info), stage.Zero, v.Const(sigsetSize))
	v.JumpEqual(sig, v.Const(int64(unix.SIGCHLD)), v.reap)
	v.JumpLess(v.Const(lastSignal), sig, v.loop) // interrupted
	code := v.Compute(stage.And, v.Load(v.info+siginfoCode), v.Const(0xffffffff))
	pass, kernel := v.NewLabel(), v.NewLabel()
	v.JumpEqual(code, v.Const(siKernel), kernel)
	v.Place(pass)
	v.Try(unix.SYS_KILL, v.child, sig)
	// A stopped command would keep these pending.
	wake := v.NewLabel()
	v.JumpEqual(sig, v.Const(int64(unix.SIGHUP)), wake)
	v.JumpEqual(sig, v.Const(int64(unix.SIGTERM)), wake)
	v.Jump(v.loop)
	v.Place(wake)
	v.Try(unix.SYS_KILL, v.child, v.Const(int64(unix.SIGCONT)))
	v.Jump(v.loop)
	v.Place(kernel)
	bit := v.Compute(stage.Shl, v.Const(1), sig)
	v.JumpEqual(v.Compute(stage.And, bit, v.Const(ofTerminal)), stage.Zero, pass) // alarm(2), left running by the caller
	hup := v.NewLabel()
	v.JumpEqual(sig, v.Const(int64(unix.SIGHUP)), hup)
	v.Jump(v.loop)
	v.Place(hup)
	v.JumpEqual(v.Try(unix.SYS_GETSID), v.Try(unix.SYS_GETPID), pass)
	v.Jump(v.loop)
}

// reaper looks whether the command has stopped or ended, and ends likewise.
func (v *supervisor) reaper() {
	v.Place(v.reap)
	dead := v.Try(unix.SYS_WAIT4, v.child, v.Address(v.status), v.Const(wnohang|wuntraced))
	v.JumpEqual(dead, stage.Zero, v.loop)
	v.JumpEqual(dead, v.Const(-int64(unix.EINTR)), v.reap)
	v.Place(v.decode)
	status := v.Compute(stage.And, v.Load(v.status), v.Const(0xffff))
	signal := v.Compute(stage.And, status, v.Const(0x7f))
	if v.mirror {
		v.JumpEqual(signal, v.Const(0x7f), v.stopped)
	} else {
		v.JumpEqual(signal, v.Const(0x7f), v.reap) // in a session of its own nobody could wake us
	}
	if v.init {
		v.Try(unix.SYS_KILL, v.initp, v.Const(int64(unix.SIGKILL)))
		v.Try(unix.SYS_WAIT4, v.initp)
	}
	exited := v.NewLabel()
	v.JumpEqual(signal, stage.Zero, exited)
	v.dieOf(signal)
	v.Place(exited)
	v.Exit(v.Compute(stage.Shr, status, v.Const(8)))
}

// dieOf ends us by the signal; not being dumpable we leave no core.
func (v *supervisor) dieOf(signal stage.Cell) {
	v.sigaction(signal, v.dfl, stage.Zero)
	v.Try(unix.SYS_KILL, v.Try(unix.SYS_GETPID), signal)
	v.sigmask(v.Address(v.Buffer(sigsetSize)), stage.Zero)
	v.Exit(v.Compute(stage.Add, signal, v.Const(128)))
}

// stop stops us, so that the shell above sees its job stopped; woken up we
// wake the command. Where the command's own process group had the terminal,
// as an inner shell's does, it gets it back.
func (v *supervisor) stop() {
	v.Place(v.stopped)
	group, hand := v.Buffer(8), v.Var(0)
	v.Move(hand, stage.Zero)
	none := v.NewLabel()
	if v.tty >= 0 {
		front := v.Buffer(8)
		v.SyscallTo(none, unix.SYS_IOCTL, v.Const(int64(v.tty)), v.Const(unix.TIOCGPGRP), v.Address(front))
		inFront := v.Compute(stage.And, v.Load(front), v.Const(0xffffffff))
		v.JumpEqual(inFront, v.Try(unix.SYS_GETPGID, stage.Zero), none)
		theirs, same := v.Try(unix.SYS_GETPGID, v.child), v.NewLabel()
		v.JumpEqual(inFront, theirs, same)
		v.Jump(none)
		v.Place(same)
		v.Store(group, theirs)
		v.Move(hand, v.Const(1))
	}
	v.Place(none)
	v.Try(unix.SYS_KILL, v.Try(unix.SYS_GETPID), v.Const(int64(unix.SIGSTOP)))
	v.resume(hand, group)
}

// resume wakes the command after us, unless the shell has done so: its
// SIGCONT went to the whole job. A second one could undo the next stop.
func (v *supervisor) resume(hand stage.Cell, group stage.Addr) {
	wake, running := v.NewLabel(), v.NewLabel()
	v.JumpEqual(hand, stage.Zero, wake)
	v.Try(unix.SYS_IOCTL, v.Const(int64(v.tty)), v.Const(unix.TIOCSPGRP), v.Address(group))
	v.Place(wake)
	cont := v.Bytes([]byte{0, 0, 1 << (unix.SIGCONT - 17), 0, 0, 0, 0, 0})
	v.Try(unix.SYS_RT_SIGTIMEDWAIT, v.Address(cont), stage.Zero, v.Address(v.Buffer(16)), v.Const(sigsetSize))
	seen := v.Try(unix.SYS_WAIT4, v.child, v.Address(v.status), v.Const(wnohang|wuntraced|wcontinued))
	v.JumpEqual(seen, v.child, running)
	v.Try(unix.SYS_KILL, v.child, v.Const(int64(unix.SIGCONT)))
	v.Jump(v.loop)
	v.Place(running)
	status := v.Compute(stage.And, v.Load(v.status), v.Const(0xffff))
	v.JumpEqual(status, v.Const(continued), v.loop)
	v.Jump(v.decode) // stopped again, or ended
}
