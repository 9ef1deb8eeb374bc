package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"nsinspect/enter/demo"
)

// showStep shows a step as soon as it is done and waits with --pause.
func (o *demoOptions) showStep(sig *signals, t demoText, s demo.Step) error {
	if err := t.step(s); err != nil {
		return err
	}
	if err := o.flush(); err != nil || !o.pause {
		return err
	}
	fmt.Fprint(o.app.stderr, "-- return: next step --")
	read := make(chan error, 1)
	go func() {
		_, err := bufio.NewReaderSize(oneByte{o.app.stdin}, 16).ReadString('\n')
		read <- err
	}()
	select {
	case <-sig.ctx.Done():
		fmt.Fprintln(o.app.stderr)
		return sig.ctx.Err()
	case err := <-read:
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
}

// oneByte reads one byte at a time, so that no later line is lost.
type oneByte struct{ io.Reader }

func (r oneByte) Read(b []byte) (int, error) { return r.Reader.Read(b[:min(len(b), 1)]) }

// flush writes out what has been shown so far.
func (o *demoOptions) flush() error {
	if f, ok := o.app.stdout.(interface{ Flush() error }); ok {
		return f.Flush()
	}
	return nil
}

// runShell runs a shell inside, with nsinspect enter.
func (o *demoOptions) runShell(ctx context.Context, sig *signals, self string, pid int) error {
	if err := o.flush(); err != nil {
		return err
	}
	o.app.say("note", "a shell inside; exit ends the experiment")
	sig.inShell.Store(true)
	defer sig.inShell.Store(false)
	cmd := exec.CommandContext(ctx, self, "enter", "-p", strconv.Itoa(pid))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGHUP) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.app.stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // the status of the shell is its own
	}
	return err
}
