package container

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"nsinspect/inspect/container/ahead"
)

// An engine is asked in HTTP/1.0 (RFC 1945): one question, and the answer
// ends where the connection does, without chunks, redirects or compression.
// That is all that is needed here; net/http with TLS would add a seventh to
// the time in which every command starts, the shortest too.

// response is an answer of an engine.
type response struct {
	code   int
	status string // "404 Not Found"
	header header
	body   []byte
	cut    error // why the body ends before its end; nil when it is whole
}

// header is the lines of one, "Server: Docker/28.2.2 (linux)".
type header []string

// get returns the first value of a name, in whatever case; "" where there is
// none.
func (h header) get(name string) string {
	for _, line := range h {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// get asks one question.
func (p endpoint) get(ctx context.Context, uri string) (*response, error) {
	if p.network == "unix" {
		s, err := p.send(ctx, uri)
		if err != nil {
			return outcome(ctx, nil, err)
		}
		return receive(ctx, s)
	}
	data, err := p.exchange(ctx, p.question(uri))
	return outcome(ctx, data, err)
}

// question is the request for uri.
func (p endpoint) question(uri string) []byte {
	return ahead.Request(uri, p.host())
}

// outcome makes a response of what came before err.
func outcome(ctx context.Context, data []byte, err error) (*response, error) {
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	if len(data) == 0 {
		return nil, cmp.Or(err, io.ErrUnexpectedEOF)
	}
	r, perr := parseResponse(data)
	if perr != nil {
		return nil, errors.Join(err, perr)
	}
	r.cut = err
	return r, nil
}

// host is the value of the Host header.
func (p endpoint) host() string {
	if p.network == "unix" {
		return ahead.Host
	}
	return p.address
}

// parseResponse takes an answer apart.
func parseResponse(data []byte) (*response, error) {
	line, rest, ok := cutLine(data)
	proto, status, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(status, " ")
	r := &response{status: status}
	var err error
	switch r.code, err = strconv.Atoi(code); {
	case !ok && len(data) < maxHeader:
		return nil, io.ErrUnexpectedEOF
	case err != nil || !strings.HasPrefix(proto, "HTTP/1."):
		return nil, fmt.Errorf("malformed HTTP response %q", line)
	}
	for {
		if line, rest, ok = cutLine(rest); line == "" && ok {
			break
		}
		switch {
		case len(data)-len(rest) >= maxHeader:
			return nil, fmt.Errorf("the headers of the answer exceeded %d KiB", maxHeader>>10)
		case !ok:
			return nil, io.ErrUnexpectedEOF
		}
		r.header = append(r.header, line)
	}
	if r.header.get("Transfer-Encoding") != "" {
		return nil, errors.New("answered in HTTP/1.1 to a question in HTTP/1.0")
	}
	r.body = rest
	return r, nil
}

// cutLine cuts data after its first line, which is without its end; false
// where it has none.
func cutLine(data []byte) (line string, rest []byte, ok bool) {
	before, rest, ok := bytes.Cut(data, []byte("\n"))
	return string(bytes.TrimSuffix(before, []byte("\r"))), rest, ok
}

// exchange speaks to a TCP endpoint. It returns what came, also with an error.
func (p endpoint) exchange(ctx context.Context, question []byte) ([]byte, error) {
	conn, err := new(net.Dialer).DialContext(ctx, p.network, p.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		conn.SetDeadline(end)
	}
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(question); err != nil {
		return nil, err
	}
	return readAll(conn)
}

// send asks on a Unix socket, with system calls alone: no poller and no
// goroutines. Entering a container takes a few milliseconds, of which those
// would be a good part.
func (p endpoint) send(ctx context.Context, uri string) (*unixConn, error) {
	s, err := dialUnix(ctx, p.address)
	if err != nil {
		return nil, err
	}
	if _, err := s.Write(p.question(uri)); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// receive reads the answer to what was sent and closes the connection.
func receive(ctx context.Context, s *unixConn) (*response, error) {
	defer s.close()
	defer context.AfterFunc(ctx, s.shutdown)()
	data, err := readAll(s)
	return outcome(ctx, data, err)
}

// readAll reads to the end, or to more than maxAnswer.
func readAll(r io.Reader) ([]byte, error) {
	// Most answers come in one piece then.
	buf := bytes.NewBuffer(make([]byte, 0, 32<<10))
	n, err := buf.ReadFrom(io.LimitReader(r, maxAnswer+maxHeader))
	if err == nil && n >= maxAnswer+maxHeader {
		err = errTooLong
	}
	return buf.Bytes(), err
}
