package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"nsinspect/render"
)

// app is one run of the program: what it reads, writes and knows of its
// surroundings. Commands get it from the root and touch nothing else of the
// process.
type app struct {
	stdin  io.Reader
	stdout io.Writer // buffered, written out when the command returns
	stderr io.Writer
	getenv func(string) string
	width  int  // columns of the terminal; 0 when stdout is none
	color  bool // stdout is a terminal and NO_COLOR is not set
	now    func() time.Time
	notes  []string // lines of talk that follow the output
}

// run runs the program and returns its exit status: 0, 1 failed, 2 wrong
// usage or an ambiguous target, or the status that a command asks for.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv, now: time.Now}
	a.width = terminalWidth(stdout)
	a.color = a.width > 0 && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	return a.run(args)
}

// run runs the command that args name.
func (a *app) run(args []string) int {
	out := bufio.NewWriterSize(a.stdout, 1<<16)
	a.stdout = out
	root := newRootFor(a, args)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	ferr := out.Flush()
	var status exitStatus
	if ferr == nil && (err == nil || errors.As(err, &status)) {
		for _, note := range a.notes {
			a.say("note", note)
		}
	}
	if ferr != nil {
		err = writeFailed(ferr, err)
	}
	return a.report(err)
}

// terminalWidth returns the number of columns of the terminal that w is, 0
// when it is none. A terminal that does not know its size has 80.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// renderOptions are the options for a view on stdout.
func (a *app) renderOptions() render.Options {
	return render.Options{Width: a.width, Color: a.color, ASCII: !a.utf8(), Now: a.now()}
}

// utf8 reports whether the locale's characters are UTF-8, see locale(7).
func (a *app) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(a.getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}
