package demo

import (
	"fmt"
	"time"
)

// timeShift is a week, as in time_namespaces(7): forth, because no clock can
// be set to before the boot.
const timeShift = 7 * 24 * time.Hour

// runTime shifts the clocks of a time namespace.
func runTime(p *play) error {
	out, err := p.outside("outside")
	if err != nil {
		return err
	}
	r := p.beside(out, p.e.Kinds)
	if !p.o.Without {
		shift := timeShift
		r.Monotonic, r.Boottime = &shift, &shift
	}
	in, err := p.start("inside", r)
	if err != nil {
		return err
	}
	p.shell = in
	if err := p.checkLinks(in, out, p.e.Kinds); err != nil {
		return err
	}
	var i, o clocks
	if err := p.ask(in, &i, "clocks"); err != nil {
		return err
	}
	if err := p.ask(out, &o, "clocks"); err != nil {
		return err
	}
	p.checkClock("CLOCK_MONOTONIC", i.Monotonic, o.Monotonic)
	p.checkClock("CLOCK_BOOTTIME", i.Boottime, o.Boottime)
	call, same := p.made(p.e.Kinds)
	if !p.o.Without {
		call += "; write(\"/proc/self/timens_offsets\", \"monotonic 604800 0\\nboottime 604800 0\")"
		same[0] += " --monotonic 168h --boottime 168h -- uptime"
		same[1] += " --monotonic 604800 --boottime 604800 --fork uptime"
	}
	err = p.step(Step{
		Title: "A process gets clocks that are a week ahead", Call: call, Same: same, Plan: in.plan,
		Seen: []Fact{
			{"inside", "/proc/uptime", i.Uptime + " seconds"},
			{"inside", "timens_offsets", i.Offsets},
			{"outside", "/proc/uptime", o.Uptime + " seconds"},
			{"outside", "timens_offsets", o.Offsets},
		},
	})
	if err != nil {
		return err
	}
	const format = "2006-01-02 15:04"
	stamp := func(d time.Duration) string { return time.Unix(0, int64(d)).UTC().Format(format) }
	apart := (o.Realtime - i.Realtime).Abs()
	if apart > time.Hour {
		return fmt.Errorf("the real-time clocks are %v apart", apart)
	}
	if err := p.step(Step{
		Title: "The time of day is not isolated", Call: "clock_gettime(CLOCK_REALTIME)", Same: []string{"date -u"},
		Seen: []Fact{{"inside", "time of day", stamp(i.Realtime)}, {"outside", "time of day", stamp(o.Realtime)}},
	}); err != nil {
		return err
	}
	return p.shiftBack(out, o.Boottime)
}

// checkClock compares two readings. They are isolated when they are apart by
// what they were set apart, give or take the time between the readings.
func (p *play) checkClock(name string, inside, outside time.Duration) {
	apart := inside - outside
	p.r.Check = append(p.r.Check, Check{
		What: name, Inside: days(inside), Outside: days(outside),
		Holds: (apart - timeShift).Abs() < time.Hour,
	})
}

// days writes a time since the boot.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	return fmt.Sprintf("%d days %d h %02d min", d/day, d%day/time.Hour, d%time.Hour/time.Minute)
}

// shiftBack tries the other direction.
func (p *play) shiftBack(out *actor, uptime time.Duration) error {
	r := p.beside(out, 0)
	back := -timeShift
	r.New, r.Boottime = p.e.Kinds, &back
	a, err := p.start("back", r)
	result := ""
	switch {
	case err == nil:
		var c clocks
		if err := p.ask(a, &c, "clocks"); err != nil {
			return err
		}
		result = "/proc/uptime " + c.Uptime + " seconds"
	case p.ctx.Err() != nil:
		return err
	default:
		if uptime > timeShift+time.Hour {
			return err
		}
		result = "refused: " + err.Error()
	}
	return p.step(Step{
		Title: "A week back goes only when the machine is up for longer than that",
		Call:  "write(\"/proc/self/timens_offsets\", \"boottime -604800 0\")",
		Same:  []string{"nsinspect enter --new-time --boottime -168h -- uptime"},
		Seen:  []Fact{{"inside", "a week back", result}},
	})
}
