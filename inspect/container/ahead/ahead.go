// Package ahead asks Docker for the container of `nsinspect enter web1` while
// the rest of the program is still being initialised. Docker takes about as
// long for its answer as that takes: a tenth of the time of the command.
//
// Packages are initialised in the order of their import paths, each as soon as
// all that it imports is (https://go.dev/doc/go1.21). This one imports so
// little that it comes before fmt, and with that before all that takes time.
package ahead

import (
	"os"
	"syscall"
)

// asked is the one question that may have been asked.
var asked = ask(os.Args, os.Getenv("DOCKER_HOST"))

type question struct {
	fd           int // of the connection; -1 for none
	address, uri string
}

// Take hands over the connection on which the engine at a Unix socket was asked
// for uri; false when it was not. The answer is still to be read.
func Take(address, uri string) (fd int, ok bool) {
	if asked.fd < 0 || asked.address != address || asked.uri != uri {
		return -1, false
	}
	fd = asked.fd
	asked.fd = -1
	return fd, true
}

// ask asks for the container that the words of a command line name, if they
// do. What keeps it from that is found again by who asks in earnest.
func ask(args []string, host string) question {
	none := question{fd: -1}
	if len(args) < 3 || args[1] != "enter" || !IsName(args[2]) || isNumber(args[2]) || args[2] == "self" {
		return none
	}
	address, ok := socket(host)
	if !ok || host == "" && Asleep(Units()) {
		return none
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return none
	}
	q := question{fd, address, "/" + Container(args[2])}
	if err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: address}); err == nil {
		_, err = syscall.Write(fd, Request(q.uri, Host))
	}
	if err == nil {
		err = syscall.SetNonblock(fd, false)
	}
	if err != nil {
		syscall.Close(fd)
		return none
	}
	return q
}

// socket is the path in DOCKER_HOST; false where it is something else.
func socket(host string) (path string, ok bool) {
	if host == "" {
		return Socket, true
	}
	const scheme = "unix://"
	if len(host) <= len(scheme) || host[:len(scheme)] != scheme || host[len(scheme)] != '/' {
		return "", false
	}
	path = host[len(scheme):]
	for i := range len(path) {
		if path[i] == '%' || path[i] == '?' || path[i] == '#' { // of a URL
			return "", false
		}
	}
	return path, true
}

func isNumber(word string) bool {
	for i := range len(word) {
		if word[i] < '0' || word[i] > '9' {
			return false
		}
	}
	return true
}
