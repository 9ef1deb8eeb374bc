package enter

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"nsinspect/inspect"
)

// equal returns the command line of ip-netns(8), nsenter(1) or unshare(1) that
// does the same; "" when there is none.
func equal(p *Plan) string {
	switch {
	case p.beyondOthers():
		return ""
	case len(p.Join.List()) == 0 && p.New != 0:
		return equalUnshare(p)
	case p.New != 0 || p.Join == 0:
		return ""
	}
	if line := equalNetns(p); line != "" {
		return line
	}
	return equalNsenter(p)
}

// beyondOthers reports what none of the three has, or has in another way.
func (p *Plan) beyondOthers() bool {
	r := p.request
	return r.TargetCaps || r.NoNewPrivs || r.ClearEnv || r.ResolvConf && r.Target.PID != 0 ||
		r.Target.TID != 0 && r.Target.TID != r.Target.PID
}

func (p *Plan) commandWords() []string {
	var words []string
	for _, w := range p.request.Command {
		words = append(words, quote(w))
	}
	return words
}

// equalNetns is for a network namespace that ip-netns(8) knows. It binds
// /etc/netns/NAME and mounts /sys anew.
func equalNetns(p *Plan) string {
	r := p.request
	if !r.ResolvConf && len(r.Files) == 1 && p.Join == SetOf(inspect.Net) && len(r.Command) > 0 && r.simple() {
		if name, ok := netnsName(r.Files[0].Path); ok {
			return strings.Join(append([]string{"ip netns exec", quote(name)}, p.commandWords()...), " ")
		}
	}
	return ""
}

// simple reports that nothing but namespaces was asked for.
func (r *Request) simple() bool {
	return r.SetUID == nil && r.SetGID == nil && r.Root == "" && !r.TargetRoot && r.Dir == "" && !r.TargetDir &&
		!r.JoinCgroup && !r.EnvOfTarget && !r.KillChild && !r.NoFork && len(r.Persist) == 0
}

func longName(t inspect.Type) string {
	if t == inspect.Mnt {
		return "mount"
	}
	return t.String()
}

func equalNsenter(p *Plan) string {
	r := p.request
	if r.KillChild {
		return ""
	}
	words := []string{"nsenter"}
	if r.Target.PID != 0 {
		words = append(words, "-t", strconv.Itoa(r.Target.PID))
	}
	for _, t := range p.Join.List() {
		words = append(words, "--"+longName(t)+p.fileOf(t))
	}
	if r.Socket != nil {
		return ""
	}
	add := func(ok bool, option string) {
		if ok {
			words = append(words, option)
		}
	}
	add(r.SetUID != nil, "--setuid="+r.SetUID.String())
	add(r.SetGID != nil, "--setgid="+r.SetGID.String())
	add(r.PreserveCredentials, "--preserve-credentials")
	add(r.Root != "", "--root="+quote(r.Root))
	add(r.Root == "" && p.has(func(s Step) bool { _, ok := s.(rootStep); return ok }), "--root")
	add(r.Dir != "", "--wdns="+quote(r.Dir))
	add(r.TargetDir, "--wd")
	add(r.EnvOfTarget, "--env")
	add(r.JoinCgroup, "--join-cgroup")
	add(r.NoFork, "--no-fork")
	return strings.Join(append(words, p.commandWords()...), " ")
}

func (p *Plan) fileOf(t inspect.Type) string {
	for _, f := range p.request.Files {
		if f.Type == t {
			return "=" + quote(f.Path)
		}
	}
	return ""
}

// String is the id as an option takes it.
func (s *SetID) String() string {
	switch {
	case s == nil:
		return ""
	case s.Follow:
		return "follow"
	}
	return strconv.FormatUint(uint64(s.ID), 10)
}

func equalUnshare(p *Plan) string {
	r := p.request
	if r.Hostname != "" || r.JoinCgroup || r.EnvOfTarget || r.ResolvConf || r.Map.Auto {
		return ""
	}
	words := []string{"unshare"}
	for _, t := range p.New.List() {
		words = append(words, "--"+longName(t)+p.persisted(t))
	}
	add := func(ok bool, option string) {
		if ok {
			words = append(words, option)
		}
	}
	user := p.New.Has(inspect.User)
	add(user && !r.Map.set(), "--map-root-user")
	add(user && r.Map.Current, "--map-current-user")
	words = append(words, p.mapWords()...)
	add(r.Monotonic != nil, "--monotonic="+seconds(r.Monotonic))
	add(r.Boottime != nil, "--boottime="+seconds(r.Boottime))
	add(r.Propagation != "", "--propagation="+string(r.Propagation))
	add(p.fork, "--fork")
	add(p.has(func(s Step) bool { _, ok := s.(procStep); return ok }), "--mount-proc")
	add(r.KillChild, "--kill-child")
	add(r.Root != "", "--root="+quote(r.Root))
	add(r.Dir != "", "--wd="+quote(r.Dir))
	if ids, ok := p.idsStep(); ok {
		add(ids.uid != nil, "--setuid="+idWord(ids.uid))
		add(ids.gid != nil, "--setgid="+idWord(ids.gid))
	}
	return strings.Join(append(words, p.commandWords()...), " ")
}

// mapWords are the ranges of ids of a new user namespace as unshare(1) takes
// them since util-linux 2.39.
func (p *Plan) mapWords() []string {
	var words []string
	for _, s := range p.Steps {
		u, ok := s.(newUserStep)
		if !ok || !u.ranges {
			continue
		}
		for _, m := range u.uids {
			words = append(words, fmt.Sprintf("--map-users=%d:%d:%d", m.Inside, m.Outside, m.Count))
		}
		for _, m := range u.gids {
			words = append(words, fmt.Sprintf("--map-groups=%d:%d:%d", m.Inside, m.Outside, m.Count))
		}
	}
	return words
}

func (p *Plan) idsStep() (idsStep, bool) {
	for _, s := range p.Steps {
		if ids, ok := s.(idsStep); ok {
			return ids, true
		}
	}
	return idsStep{}, false
}

func idWord(id *uint32) string {
	if id == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*id), 10)
}

// seconds is a duration as unshare(1) takes it, which knows no fractions.
func seconds(d *time.Duration) string {
	if d == nil {
		return ""
	}
	return strconv.FormatInt(int64(*d/time.Second), 10)
}

func (p *Plan) persisted(t inspect.Type) string {
	for _, f := range p.request.Persist {
		if f.Type == t {
			return "=" + quote(f.Path)
		}
	}
	return ""
}
