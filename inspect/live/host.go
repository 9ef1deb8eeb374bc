package live

import (
	"bytes"
	"strconv"
	"time"

	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// passwd is the host's passwd(5).
const passwd = "/etc/passwd"

// host returns what is known of the machine, and of ourselves.
func (c *capture) host() inspect.Host {
	h := inspect.Host{
		Taken:       c.Now(),
		NSDev:       c.dev,
		BootID:      c.line("sys/kernel/random/boot_id"),
		PIDMax:      int(c.number("sys/kernel/pid_max")),
		ClockTicks:  clockTicks(),
		Uptime:      uptime(),
		OverflowUID: c.id("sys/kernel/overflowuid"),
		OverflowGID: c.id("sys/kernel/overflowgid"),
		Observer:    c.observer(),
		Users:       userNames(uidsOf(c.procs, c.snap.Namespaces)),
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err == nil {
		h.Hostname, h.Kernel, h.Machine = cString(uts.Nodename[:]), cString(uts.Release[:]), cString(uts.Machine[:])
	}
	if c.Facts.Has(inspect.FactLimits) {
		h.Limits = c.limits()
	}
	return h
}

// observer describes our own process.
func (c *capture) observer() inspect.Observer {
	o := inspect.Observer{PID: c.self, EUID: uint32(unix.Geteuid()), EGID: uint32(unix.Getegid())}
	if c.self == 0 {
		return o
	}
	status, err := readFile(c.root, strconv.Itoa(c.self)+"/status", nil)
	if err == nil {
		var info inspect.Info
		if parseStatus(status, &info); info.Caps != nil {
			o.Caps = info.Caps.Effective
		}
		r := linkReader{root: c.root, dev: c.dev}
		err = r.process(c.self, &o.NS)
	}
	if err != nil {
		c.p.add("read own process", c.dir+"/self", 0, err)
	}
	return o
}

// line returns the first line of a file below /proc; "" when there is none.
func (c *capture) line(path string) string {
	b, err := readFile(c.root, path, nil)
	if err != nil && !gone(err) {
		c.p.add("read kernel setting", c.dir+"/"+path, 0, err)
	}
	b, _, _ = bytes.Cut(b, []byte("\n"))
	return text(b)
}

// number returns 0 for a file that does not hold a number.
func (c *capture) number(path string) int64 {
	n, err := strconv.ParseInt(c.line(path), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (c *capture) id(path string) *uint32 {
	n, err := strconv.ParseUint(c.line(path), 10, 32)
	if err != nil {
		return nil
	}
	id := uint32(n)
	return &id
}

// clockTicks returns AT_CLKTCK of getauxval(3); 0 when the kernel did not say.
func clockTicks() int {
	const atClockTicks = 17
	vec, err := unix.Auxv()
	if err != nil {
		return 0
	}
	for _, v := range vec {
		if v[0] == atClockTicks {
			return int(v[1])
		}
	}
	return 0
}

// uptime returns CLOCK_BOOTTIME, which a time namespace shifts as it does the
// start times in /proc.
func uptime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// userNames returns the names of those of uids that have one.
func userNames(uids map[uint32]bool) map[uint32]string {
	users, err := user.ParsePasswdFileFilter(passwd, func(u user.User) bool {
		return u.Uid >= 0 && uids[uint32(u.Uid)]
	})
	if err != nil {
		return nil
	}
	names := make(map[uint32]string, len(users))
	for _, u := range users {
		if _, ok := names[uint32(u.Uid)]; !ok {
			names[uint32(u.Uid)] = text([]byte(u.Name))
		}
	}
	return names
}

// cString returns the bytes up to the first NUL.
func cString(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return text(b)
}
