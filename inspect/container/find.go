package container

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"nsinspect/inspect"
)

// Find asks the engines for one container by its name or by the beginning of
// its id, "web1" or "docker:web1", within [Limit]. Unlike Containers of a
// [Source] it learns the pid of the first process, and is done in the time of
// one question. It finds none where an engine cannot be asked.
func Find(ctx context.Context, word string, env func(string) string) []inspect.Container {
	e := &engines{env: env, places: hostPlaces(), limit: Limit}
	return e.find(ctx, word)
}

func (e *engines) find(ctx context.Context, word string) []inspect.Container {
	ctx, cancel := context.WithTimeout(ctx, e.limit)
	defer cancel()
	all, _ := e.endpoints()
	var asked []endpoint
	var names []string
	for _, p := range all {
		if name, ok := nameFor(word, p.engine); ok {
			asked, names = append(asked, p), append(names, name)
		}
	}
	answers := make([][]inspect.Container, len(asked))
	if len(asked) == 1 { // the usual case, without a goroutine
		answers[0] = asked[0].one(ctx, names[0])
		return answers[0]
	}
	var wg sync.WaitGroup
	for i, p := range asked {
		wg.Go(func() { answers[i] = p.one(ctx, names[i]) })
	}
	wg.Wait()
	var found []inspect.Container
	for _, a := range answers {
		found = append(found, a...)
	}
	return union(found)
}

// nameFor returns the name to ask an engine for; false where word is for
// another engine or cannot be a name.
func nameFor(word, engine string) (string, bool) {
	if before, after, ok := strings.Cut(word, ":"); ok {
		if before != engine && before != "container" && before != "id" {
			return "", false
		}
		word = after
	}
	isName := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r)
	}
	return word, strings.Trim(word, ".") != "" && strings.IndexFunc(word, func(r rune) bool { return !isName(r) }) < 0
}

// one asks for one container. No answer is no container.
func (p endpoint) one(ctx context.Context, name string) []inspect.Container {
	u := p.base.JoinPath("containers", name, "json")
	ask := func() (*http.Response, error) { return p.get(ctx, u) }
	if p.network == "unix" {
		ask = func() (*http.Response, error) { return p.plain(ctx, u.RequestURI()) }
	}
	resp, err := ask()
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil
	}
	var body struct {
		ID    string `json:"Id"`
		Name  string
		State struct {
			Status string
			Pid    int
		}
	}
	if json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&body) != nil || body.ID == "" {
		return nil
	}
	return []inspect.Container{{
		ID: body.ID, Name: strings.TrimPrefix(body.Name, "/"), Engine: engineOf(resp.Header, p.engine),
		State: body.State.Status, PID: max(body.State.Pid, 0),
	}}
}

// plain asks one question on a Unix socket with HTTP/1.0 and nothing around
// it: no pool of connections, no poller, no goroutines. Entering a container
// takes a few milliseconds, of which those would be a good part.
func (p endpoint) plain(ctx context.Context, uri string) (*http.Response, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	defer syscall.Close(fd)
	if err := limit(ctx, fd); err != nil {
		return nil, err
	}
	if err := retry(func() error { return syscall.Connect(fd, &syscall.SockaddrUnix{Name: p.address}) }); err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	ask := []byte("GET " + uri + " HTTP/1.0\r\nHost: localhost\r\n\r\n")
	if err := retry(func() error { _, err := syscall.Write(fd, ask); return err }); err != nil {
		return nil, os.NewSyscallError("write", err)
	}
	var answer []byte
	buf := make([]byte, 32<<10)
	for len(answer) <= maxAnswer && ctx.Err() == nil {
		n := 0
		if err := retry(func() (err error) { n, err = syscall.Read(fd, buf); return err }); err != nil {
			return nil, os.NewSyscallError("read", err)
		}
		if n <= 0 {
			break
		}
		answer = append(answer, buf[:n]...)
	}
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
}

// limit has each operation on the socket fail after what is left of the time.
func limit(ctx context.Context, fd int) error {
	left := Limit
	if deadline, ok := ctx.Deadline(); ok {
		left = max(time.Until(deadline), time.Millisecond)
	}
	tv := syscall.NsecToTimeval(left.Nanoseconds())
	return errors.Join(
		os.NewSyscallError("setsockopt", syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv)),
		os.NewSyscallError("setsockopt", syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &tv)))
}

func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
