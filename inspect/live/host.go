package live

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// readHost returns what is known of the machine, and of ourselves.
func (c *capture) readHost() inspect.Host {
	h := inspect.Host{
		Taken:       c.Now(),
		NSDev:       c.dev,
		BootID:      c.line("sys/kernel/random/boot_id"),
		ClockTicks:  clockTicks(),
		Uptime:      uptime(),
		OverflowUID: c.id("sys/kernel/overflowuid"),
		OverflowGID: c.id("sys/kernel/overflowgid"),
		Observer:    c.observer,
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err == nil {
		h.Hostname, h.Kernel, h.Machine = cString(uts.Nodename[:]), cString(uts.Release[:]), cString(uts.Machine[:])
	}
	if n, ok := c.number("sys/kernel/pid_max"); ok {
		h.PIDMax = int(n)
	}
	if c.Facts.Has(inspect.FactLimits) {
		h.Limits = c.limits()
	}
	return h
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

// number returns false for a file that is not there or holds no number.
func (c *capture) number(path string) (int64, bool) {
	n, err := strconv.ParseInt(c.line(path), 10, 64)
	return n, err == nil
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

// cString returns the bytes up to the first NUL.
func cString(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return text(b)
}
