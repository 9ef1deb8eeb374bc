package live

import (
	"strconv"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// observe describes our own process.
func (c *capture) observe() inspect.Observer {
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
