package container

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"nsinspect/inspect"
	"nsinspect/inspect/container/ahead"
)

// Question is what [Ask] asked of the engines.
type Question struct {
	ctx   context.Context
	asked []asked
}

// asked is one engine's part of a Question.
type asked struct {
	endpoint
	uri string
	// conn has the question already; nil where it is still to be asked.
	conn *unixConn
}

// Ask asks the engines for one container by its name or by the beginning of
// its id, "web1" or "docker:web1", and does not wait for the answer: while an
// engine works on it the caller does what else there is to do. Every Question
// needs its Answer, within [Limit] from now on.
func Ask(ctx context.Context, word string, env func(string) string) *Question {
	e := &engines{env: env, places: hostPlaces(), limit: Limit}
	return e.askFor(ctx, word)
}

func (e *engines) askFor(ctx context.Context, word string) *Question {
	q := &Question{ctx: within{ctx, time.Now().Add(e.limit)}}
	all, _ := e.endpoints()
	for _, p := range all {
		name, ok := nameFor(word, p.engine)
		if !ok {
			continue
		}
		a := asked{endpoint: p, uri: p.path + ahead.Container(name)}
		if p.network == "unix" {
			if a.conn = takeConn(q.ctx, p.address, a.uri); a.conn == nil {
				var err error
				if a.conn, err = p.send(q.ctx, a.uri); err != nil {
					continue // no answer is no container
				}
			}
		}
		q.asked = append(q.asked, a)
	}
	return q
}

// takeConn is the connection on which that has been asked already, or nil.
func takeConn(ctx context.Context, address, uri string) *unixConn {
	fd, ok := ahead.Take(address, uri)
	if !ok {
		return nil
	}
	return &unixConn{ctx: ctx, fd: fd}
}

// Answer returns the containers that the engines know by the word. Unlike
// those of a [Source] they have the pid of the first process. There are none
// where an engine cannot be asked.
func (q *Question) Answer() []inspect.Container {
	if len(q.asked) == 1 { // the usual case, without a goroutine
		return q.asked[0].one(q.ctx)
	}
	answers := make([][]inspect.Container, len(q.asked))
	var wg sync.WaitGroup
	for i, a := range q.asked {
		wg.Go(func() { answers[i] = a.one(q.ctx) })
	}
	wg.Wait()
	return union(slices.Concat(answers...), containerID)
}

// within is a context that says when the time is over and does not end then:
// a timer would start the poller and its thread, for one question.
type within struct {
	context.Context
	end time.Time
}

func (w within) Deadline() (time.Time, bool) { return w.end, true }

// nameFor returns the name to ask an engine for; false where word is for
// another engine or cannot be a name.
func nameFor(word, engine string) (string, bool) {
	if before, after, ok := strings.Cut(word, ":"); ok {
		if before != engine && before != "container" && before != "id" {
			return "", false
		}
		word = after
	}
	return word, ahead.IsName(word)
}

// one reads what an engine says of one container. No answer is no container.
func (a asked) one(ctx context.Context) []inspect.Container {
	r, err := a.response(ctx)
	if err != nil || r.code != statusOK {
		return nil
	}
	body, err := parseFound(r.body)
	if err != nil || body.ID == "" {
		return nil
	}
	return []inspect.Container{{
		ID: body.ID, Name: strings.TrimPrefix(body.Name, "/"), Engine: engineOf(r.header, a.engine),
		State: body.State.Status, PID: max(body.State.Pid, 0),
	}}
}

func (a asked) response(ctx context.Context) (*response, error) {
	if a.conn == nil {
		return a.get(ctx, a.uri)
	}
	return receive(ctx, a.conn)
}
