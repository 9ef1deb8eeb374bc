package container

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"nsinspect/inspect"
)

const statusOK = 200

// Bounds of what is read of an answer.
const (
	maxAnswer  = 8 << 20 // some thousands of containers
	maxHeader  = 64 << 10
	maxMessage = 4 << 10 // of an error
)

// errTooLong is an answer beyond maxAnswer.
var errTooLong = fmt.Errorf("the answer is longer than %d MiB, the rest was left", maxAnswer>>20)

// statusError is an answer other than 200.
type statusError struct {
	status  string // "500 Internal Server Error"
	message string // of the engine, may be ""
}

func (e *statusError) Error() string {
	if e.message == "" {
		return "answered " + e.status
	}
	return "answered " + e.status + ": " + e.message
}

// containers lists the containers of the engine, the stopped ones too: a name
// that is known but not running is worth a better word than "not found".
func (p endpoint) containers(ctx context.Context) ([]inspect.Container, error) {
	var list []inspect.Container
	err := p.list(ctx, "containers/json?all=1", func(r *response) error {
		var err error
		list, err = p.decodeContainers(ctx, r)
		return err
	})
	return list, err
}

// list asks for a list. What decode makes of an answer that broke off is kept.
func (p endpoint) list(ctx context.Context, path string, decode func(*response) error) error {
	// Without version: every engine has the path, none has every version.
	r, err := p.get(ctx, p.path+path)
	if err != nil {
		return err
	}
	if r.code != statusOK {
		return r.refusal()
	}
	if err = decode(r); err != nil && r.cut != nil {
		return r.cut
	}
	return err
}

// refusal makes an error of an answer that is none. Docker and Podman say
// why in JSON.
func (r *response) refusal() error {
	var body struct{ Message string }
	if len(r.body) > maxMessage || json.Unmarshal(r.body, &body) != nil {
		body.Message = ""
	}
	return &statusError{
		status:  strings.ToValidUTF8(r.status, "\uFFFD"),
		message: strings.ToValidUTF8(body.Message, "\uFFFD"),
	}
}

func (p endpoint) decodeContainers(ctx context.Context, r *response) ([]inspect.Container, error) {
	var list []inspect.Container
	engine := engineOf(r.header, p.engine)
	err := decodeList(ctx, r.body, func(c *apiContainer) error {
		if c.ID == "" {
			return errors.New("a container without id")
		}
		list = append(list, c.container(engine))
		return nil
	})
	return list, err
}

// decodeList reads element by element, so that an answer that breaks off
// gives those before.
func decodeList[T any](ctx context.Context, body []byte, each func(*T) error) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil {
		return brokenOff(err)
	} else if t != json.Delim('[') {
		return errors.New("the answer is not a list")
	}
	for dec.More() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var element T
		if err := dec.Decode(&element); err != nil {
			return brokenOff(err)
		}
		if err := each(&element); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return brokenOff(err)
}

func brokenOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// engineOf tells Podman from Docker by what it says of itself.
func engineOf(h header, expected string) string {
	switch server := h.get("Server"); {
	case h.get("Libpod-Api-Version") != "", strings.HasPrefix(server, "Libpod/"):
		return Podman
	case strings.HasPrefix(server, "Docker/"):
		return Docker
	}
	return expected
}
