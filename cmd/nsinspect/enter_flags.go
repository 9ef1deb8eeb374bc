package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nsinspect/enter"
	"nsinspect/inspect"
)

// enterOptions are the flags of nsinspect enter.
type enterOptions struct {
	app     *app
	word    string // TARGET, "" for none
	given   bool   // there is a TARGET
	pid     string // of -p
	command []string

	all         bool
	join        [inspect.UTS + 1]joinFlag
	newKinds    [inspect.UTS + 1]bool
	netOfFD     string
	persist     words
	monotonic   string
	boottime    string
	mountProc   bool
	mapRoot     bool
	mapUsers    words
	mapGroups   words
	setUID      string
	setGID      string
	pty, noPty  bool
	propagation string
	root, dir   string
	dryRun      bool

	req   enter.Request
	facts *enter.Facts // nil until our own are read
}

// words is a flag that may be repeated. That of pflag writes its default in
// CSV, at every start.
type words []string

func (w *words) String() string { return "" }
func (w *words) Type() string   { return "stringArray" }

func (w *words) Set(s string) error {
	*w = append(*w, s)
	return nil
}

// joinFlag is --KIND or --KIND=FILE.
type joinFlag struct {
	set  bool
	path string // "" for the target's
}

// ofTarget is the value of --KIND, --root and --wd alone. A file of that name
// is ./target.
const ofTarget = "target"

func (j *joinFlag) String() string { return j.path }
func (j *joinFlag) Type() string   { return "FILE" }

func (j *joinFlag) Set(s string) error {
	if s == "" {
		return fmt.Errorf("the file is empty")
	}
	j.set, j.path = true, s
	if s == ofTarget {
		j.path = ""
	}
	return nil
}

// kindHelp describes each kind of namespace in the order of namespaces(7).
var kindHelp = [...]string{
	inspect.Mnt: "mount (mounts and root)", inspect.UTS: "UTS (hostname)", inspect.IPC: "IPC", inspect.Net: "network",
	inspect.PID: "pid", inspect.User: "user", inspect.Cgroup: "cgroup", inspect.Time: "time",
}

func (o *enterOptions) flags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&o.pid, "target", "p", "", "`PID` or any other TARGET")
	f.BoolVarP(&o.all, "all", "a", false, "join all namespaces of the target that differ from ours")
	for t := range kindHelp {
		if kindHelp[t] == "" {
			continue
		}
		flag := f.VarPF(&o.join[t], inspect.Type(t).String(), "", "join the "+kindHelp[t]+" namespace of the target or of `FILE`")
		flag.NoOptDefVal = ofTarget
	}
	f.StringVar(&o.netOfFD, "net-of-fd", "", "join the network namespace of the socket `PID:FD`")
	for t := range kindHelp {
		if kindHelp[t] != "" {
			f.BoolVar(&o.newKinds[t], "new-"+inspect.Type(t).String(), false, "make a new "+kindHelp[t]+" namespace")
		}
	}
	o.newFlags(f)
	o.commandFlags(f)
	f.BoolVar(&o.dryRun, "dry-run", false, "only say what would be done, and what it needs")
}

// newFlags are about new namespaces and what is mounted in them.
func (o *enterOptions) newFlags(f *pflag.FlagSet) {
	f.StringVar(&o.req.Hostname, "hostname", "", "`NAME` in the new UTS namespace")
	f.StringVar(&o.monotonic, "monotonic", "", "shift CLOCK_MONOTONIC of the new time namespace by `DURATION`, such as -168h")
	f.StringVar(&o.boottime, "boottime", "", "shift CLOCK_BOOTTIME by `DURATION`")
	f.BoolVar(&o.mountProc, "mount-proc", false, "mount a new /proc (default where pid and a new mnt meet)")
	f.StringVar(&o.propagation, "propagation", "", "`HOW` mounts of the new mount namespace relate to ours: private (default), slave, shared, unchanged")
	f.BoolVar(&o.mapRoot, "map-root-user", false, "we are root in the new user namespace (default)")
	f.BoolVar(&o.req.Map.Current, "map-current-user", false, "we stay who we are in the new user namespace")
	f.Var(&o.mapUsers, "map-users", "map uids of the new user namespace: `IN:OUT:COUNT`")
	f.Var(&o.mapGroups, "map-groups", "map its gids: `IN:OUT:COUNT`")
	f.BoolVar(&o.req.Map.Auto, "map-auto", false, "we are root, the other ids come from /etc/subuid and /etc/subgid")
	f.Var(&o.persist, "persist", "bind the new namespace to a file: `KIND=FILE`; /run/netns/NAME is known to ip netns")
	f.BoolVar(&o.req.ResolvConf, "resolv-conf", false, "bind /etc/netns/NAME/* or the container's resolv.conf over the host's, seen by the command only")
}

// commandFlags are about the command.
func (o *enterOptions) commandFlags(f *pflag.FlagSet) {
	f.StringVar(&o.setUID, "setuid", "", "uid of the command: `N`, or follow for the target's")
	f.StringVar(&o.setGID, "setgid", "", "gid of the command: `N`, or follow for the target's")
	f.BoolVar(&o.req.PreserveCredentials, "preserve-credentials", false, "keep uid, gid and groups in a joined user namespace")
	f.StringVar(&o.root, "root", "", "root directory: the target's, or `DIR` as we see it")
	f.Lookup("root").NoOptDefVal = ofTarget
	f.StringVar(&o.dir, "wd", "", "working directory: the target's, or `DIR` as seen inside")
	f.Lookup("wd").NoOptDefVal = ofTarget
	f.BoolVar(&o.req.EnvOfTarget, "env-of-target", false, "give the command the target's environment")
	f.BoolVar(&o.req.ClearEnv, "clear-env", false, "give the command no environment but PATH and TERM")
	f.BoolVar(&o.req.JoinCgroup, "join-cgroup", false, "move the command into the target's cgroups")
	f.BoolVar(&o.req.TargetCaps, "target-caps", false, "limit the command to the capabilities of the target; implies --no-new-privs")
	f.BoolVar(&o.req.NoNewPrivs, "no-new-privs", false, "no program that is started gains privileges")
	f.BoolVar(&o.req.NoFork, "no-fork", false, "do not fork: the command stays in the outer pid namespace")
	f.BoolVar(&o.req.NoInit, "no-init", false, "the command is pid 1 of the new pid namespace")
	f.BoolVar(&o.req.KillChild, "kill-child", false, "kill the command when nsinspect is killed")
	f.BoolVar(&o.pty, "pty", false, "give the command a terminal of its own (default for containers and other user namespaces)")
	f.BoolVar(&o.noPty, "no-pty", false, "let the command have our terminal")
}

// request turns the flags into what enter understands.
func (o *enterOptions) request(ctx context.Context, cmd *cobra.Command) (*enter.Request, error) {
	r := &o.req
	r.Command, r.Env = o.command, os.Environ()
	if err := o.noneEmpty(cmd.Flags()); err != nil {
		return nil, err
	}
	if err := o.values(cmd.Flags()); err != nil {
		return nil, err
	}
	for t := range o.join {
		switch j := o.join[t]; {
		case j.set && j.path != "":
			r.Files = append(r.Files, enter.File{Type: inspect.Type(t), Path: j.path})
		case j.set:
			r.Join |= enter.SetOf(inspect.Type(t))
		}
		if o.newKinds[t] {
			r.New |= enter.SetOf(inspect.Type(t))
		}
	}
	named := r.Join != 0 || len(r.Files) > 0 || r.Socket != nil
	word := o.word + o.pid
	if word == "" && !named && r.New == 0 {
		return nil, usageError("nsinspect enter --help", "enter needs a target, a file or a new namespace")
	}
	if word != "" {
		if err := o.target(ctx, word, named); err != nil {
			return nil, err
		}
	}
	if word == "" && o.all {
		return nil, usageError("nsinspect enter TARGET --all", "--all needs a target")
	}
	return r, nil
}

// noneEmpty refuses the empty string for a target or an option: a script whose
// variable is not set must not run its command here in place of there.
func (o *enterOptions) noneEmpty(f *pflag.FlagSet) (err error) {
	if o.given && o.word == "" {
		return usageError("nsinspect ls", "the target is empty")
	}
	f.Visit(func(flag *pflag.Flag) {
		if flag.Value.Type() == "string" && flag.Value.String() == "" {
			err = usageError("nsinspect enter --help", "the value of --%s is empty", flag.Name)
		}
	})
	return err
}

// values parses the flags whose values are more than words.
func (o *enterOptions) values(f *pflag.FlagSet) (err error) {
	r := &o.req
	if r.Monotonic, err = clock("monotonic", o.monotonic); err != nil {
		return err
	}
	if r.Boottime, err = clock("boottime", o.boottime); err != nil {
		return err
	}
	if r.Map.Users, err = idRanges("map-users", o.mapUsers); err != nil {
		return err
	}
	if r.Map.Groups, err = idRanges("map-groups", o.mapGroups); err != nil {
		return err
	}
	if r.SetUID, err = setID("setuid", o.setUID); err != nil {
		return err
	}
	if r.SetGID, err = setID("setgid", o.setGID); err != nil {
		return err
	}
	if o.netOfFD != "" {
		var s enter.SocketFD
		if n, err := fmt.Sscanf(o.netOfFD, "%d:%d", &s.PID, &s.FD); n != 2 || err != nil {
			return usageError("nsinspect enter --net-of-fd 3037:5", "--net-of-fd %q is not PID:FD", o.netOfFD)
		}
		r.Socket = &s
	}
	for _, p := range o.persist {
		kind, path, ok := strings.Cut(p, "=")
		t, err := inspect.ParseType(kind)
		if !ok || err != nil || !strings.HasPrefix(path, "/") {
			return usageError("nsinspect enter --new-net --persist net=/run/netns/blue", "--persist %q is not KIND=FILE with a full path", p)
		}
		r.Persist = append(r.Persist, enter.File{Type: t, Path: path})
	}
	switch r.Propagation = enter.Propagation(o.propagation); r.Propagation {
	case "", enter.Private, enter.Slave, enter.Shared, enter.Unchanged:
	default:
		return usageError("nsinspect enter --new-mnt --propagation slave", "--propagation %q is not private, slave, shared or unchanged", o.propagation)
	}
	r.TargetRoot, r.TargetDir = o.root == ofTarget, o.dir == ofTarget
	if !r.TargetRoot {
		r.Root = o.root
	}
	if !r.TargetDir {
		r.Dir = o.dir
	}
	return o.choices(f)
}

func (o *enterOptions) choices(f *pflag.FlagSet) error {
	r := &o.req
	if f.Changed("mount-proc") {
		r.MountProc = enter.No
		if o.mountProc {
			r.MountProc = enter.Yes
		}
	}
	switch {
	case o.pty && o.noPty:
		return usageError("nsinspect enter --help", "--pty and --no-pty exclude each other")
	case o.pty:
		r.Pty = enter.Yes
	case o.noPty:
		r.Pty = enter.No
	}
	maps := 0
	for _, set := range []bool{o.mapRoot, r.Map.Current, r.Map.Auto, len(r.Map.Users)+len(r.Map.Groups) > 0} {
		if set {
			maps++
		}
	}
	if maps > 1 {
		return usageError("nsinspect enter --help", "only one of --map-root-user, --map-current-user, --map-auto and --map-users with --map-groups is possible")
	}
	return nil
}

// clock parses the shift of a clock: a duration, or seconds as unshare(1)
// takes them.
func clock(flag, s string) (*time.Duration, error) {
	if s == "" {
		return nil, nil
	}
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		d := time.Duration(n) * time.Second
		return &d, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return nil, usageError("nsinspect enter --new-time --"+flag+" -168h", "--%s %q is not a duration", flag, s)
	}
	return &d, nil
}

func idRanges(flag string, list []string) ([]inspect.IDRange, error) {
	var m []inspect.IDRange
	for _, entry := range list {
		for part := range strings.SplitSeq(entry, ",") {
			var n [3]uint64
			fields := strings.Split(part, ":")
			ok := len(fields) == len(n)
			for i := 0; ok && i < len(n); i++ {
				var err error
				n[i], err = strconv.ParseUint(fields[i], 10, 32)
				ok = err == nil
			}
			if !ok {
				return nil, usageError("nsinspect enter --new-user --"+flag+" 0:100000:65536", "--%s %q is not IN:OUT:COUNT", flag, part)
			}
			m = append(m, inspect.IDRange{Inside: uint32(n[0]), Outside: uint32(n[1]), Count: uint32(n[2])})
		}
	}
	return m, nil
}

func setID(flag, s string) (*enter.SetID, error) {
	if s == "" {
		return nil, nil
	}
	if s == "follow" {
		return &enter.SetID{Follow: true}, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 1<<32-1 { // which setuid(2) takes for none
		return nil, usageError("nsinspect enter TARGET --"+flag+" 1000", "--%s %q is neither an id nor follow", flag, s)
	}
	return &enter.SetID{ID: uint32(n)}, nil
}
