package container

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"nsinspect/inspect"
)

const opAsk = inspect.OpAskEngine

// without is how to do without an engine.
const without = "leave containers' names out with --no-containers"

// problem says why an engine did not answer, and what to do about it.
func (p endpoint) problem(err error) inspect.Problem {
	return inspect.Problem{Op: opAsk, Path: p.name, Err: reason(err), Hint: p.hint(err)}
}

func reason(err error) string {
	var errno syscall.Errno
	switch {
	case errors.Is(err, syscall.EAGAIN): // unix(7): the backlog is full
		return "it does not accept connections, too many wait already"
	case timedOut(err):
		return "no answer within " + Limit.String()
	case errors.As(err, &errno):
		return errno.Error()
	}
	return strings.ToValidUTF8(err.Error(), "\uFFFD")
}

// timedOut reports whether the engine hangs.
func timedOut(err error) bool {
	var nerr net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.EAGAIN) ||
		errors.As(err, &nerr) && nerr.Timeout()
}

func (p endpoint) hint(err error) string {
	switch {
	case timedOut(err):
		return "see whether it answers at all: " + p.cli() + " version; or " + without
	case errors.Is(err, fs.ErrPermission) && p.engine == Docker:
		return "run it with sudo, or join the group: sudo usermod -aG docker $USER; or " + without
	case errors.Is(err, fs.ErrPermission):
		return "run it with sudo; or " + without
	case p.chosen:
		return "DOCKER_HOST names this engine: unset DOCKER_HOST; or " + without
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there, is it running? systemctl status " + p.engine + "; or " + without
	}
	return without
}

// cli is the command line that asks the same engine.
func (p endpoint) cli() string {
	switch {
	case p.chosen:
		return "docker"
	case p.engine == Podman:
		return "podman --url " + p.name
	}
	return "docker -H " + p.name
}

func asleepProblem(p endpoint) inspect.Problem {
	return inspect.Problem{
		Op: opAsk, Path: p.name, Err: "Docker is not running, and asking would start it",
		Hint: "start it with: systemctl start docker; or " + without,
	}
}

// hostProblem is a DOCKER_HOST that cannot be used. It is not repeated, for
// it can hold a password where it is not understood.
func hostProblem(err error) inspect.Problem {
	hint := "set it as in DOCKER_HOST=unix:///var/run/docker.sock, or unset DOCKER_HOST; or " + without
	if errors.Is(err, errTLS) || errors.Is(err, schemeError("https")) || errors.Is(err, schemeError("ssh")) {
		hint = "run nsinspect on that host, or unset DOCKER_HOST to ask the engine of this one; or " + without
	}
	return inspect.Problem{Op: opAsk, Path: "DOCKER_HOST", Err: strings.ToValidUTF8(err.Error(), "\uFFFD"), Hint: hint}
}
