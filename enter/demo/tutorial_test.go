package demo_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
	"nsinspect/render/rendertest"
)

const (
	tutorial  = "../../docs/tutorial.md"
	updateEnv = "NSINSPECT_DEMO_UPDATE"
)

// TestGoldenTutorial holds that the tutorial shows what the commands in it
// print, but for what differs with each run and machine. With -update it is
// written anew.
func TestGoldenTutorial(t *testing.T) {
	livetest.Root(t)
	if rendertest.Updating() {
		t.Setenv(updateEnv, "1") // a sandbox gets no flags
	}
	update := os.Getenv(updateEnv) != ""
	livetest.Sandbox(t, func(t *testing.T) {
		anonymous(t)
		data, err := os.ReadFile(tutorial)
		if err != nil {
			t.Fatal(err)
		}
		// text, block, text, block, …, text
		parts := strings.Split(string(data), "```")
		blocks := 0
		for i := 1; i < len(parts); i += 2 {
			args, ok := strings.CutPrefix(parts[i], "console\n$ nsinspect ")
			if !ok {
				t.Errorf("a block that is no command: %q", parts[i])
				continue
			}
			args, shown, _ := strings.Cut(args, "\n")
			got := output(t, strings.Fields(args))
			if i > 1 && strings.Contains(got, "no cgroup was made") {
				livetest.Skip(t, "a writable cgroup hierarchy of version 2")
			}
			if a, b := general(shown), general(got); a != b && !update {
				t.Errorf("nsinspect %s prints\n%s\nthe tutorial has\n%s\n(make golden updates it)", args, b, a)
			}
			parts[i] = "console\n$ nsinspect " + args + "\n" + got
			blocks++
		}
		if blocks < 12 {
			t.Errorf("only %d commands found in the tutorial", blocks)
		}
		if update {
			if err := os.WriteFile(tutorial, []byte(strings.Join(parts, "```")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// anonymous gives the sandbox a hostname and users that say nothing about the
// machine.
func anonymous(t *testing.T) {
	t.Helper()
	if err := syscall.Sethostname([]byte("laptop")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"passwd", "group"} {
		file := "/run/" + name
		if err := os.WriteFile(file, []byte("root:x:0:0::/root:/bin/sh\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(file, "/etc/"+name, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// output runs nsinspect.
func output(t *testing.T, args []string) string {
	t.Helper()
	cmd := command(t, users(t)[0])
	cmd.Args = append([]string{cmd.Path}, args...)
	if slices.Contains(args, "container") { // its cgroups are the machine's
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWCGROUP}
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("nsinspect %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// general takes out of an output what differs with each run and machine:
// numbers but for addresses, file systems, paths of cgroups, the width of
// columns.
func general(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if machine.MatchString(line) {
			continue
		}
		line = cgroupPath.ReplaceAllString(line, "0::PATH")
		line = fileSystem.ReplaceAllString(line, "FS from DEVICE")
		line = number.ReplaceAllStringFunc(line, func(n string) string {
			if strings.Count(n, ".") == 3 || strings.HasSuffix(n, "/24") {
				return n
			}
			return "N"
		})
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	sortAlike(lines)
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// sortAlike sorts neighbouring lines of namespaces that are drawn alone, which
// come by number.
func sortAlike(lines []string) {
	alone := func(l string) bool { return strings.HasSuffix(l, ", only a loopback") }
	for i := 0; i < len(lines); i++ {
		end := i
		for end < len(lines) && alone(lines[end]) {
			end++
		}
		slices.Sort(lines[i:end])
		i = end
	}
}

var (
	// machine matches lines of the machine alone: its cgroups, whether it is up
	// for a week; and whether a process is just running.
	machine    = regexp.MustCompile(`^\s+(cgroup\s+)?/[a-z_.-]*($|\s\(|/)|a week back|^\s+(state|seccomp)\s`)
	cgroupPath = regexp.MustCompile(`0::\S*nsinspect-demo-\S+`)
	fileSystem = regexp.MustCompile(`(ext4|xfs|btrfs|overlay|zfs) from \S+`)
	number     = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+(/\d+)?|\b[0-9a-f]{16}\b|\b\d+(ms|s)?\b`)
)
