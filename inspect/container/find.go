package container

import (
	"context"
	"strings"
	"sync"
	"time"

	"nsinspect/inspect"
)

// Find asks the engines for one container by its name or by the beginning of
// its id, "web1" or "docker:web1", within [Limit]. Unlike Containers of a
// [Source] it learns the pid of the first process, and is done in the time of
// one question. It finds none where an engine cannot be asked. Meanwhile, while
// the engines work on their answers, the caller does what else there is to do;
// where no engine is asked that is not called.
func Find(ctx context.Context, word string, env func(string) string, meanwhile func()) []inspect.Container {
	e := &engines{env: env, places: hostPlaces(), limit: Limit}
	return e.find(ctx, word, meanwhile)
}

func (e *engines) find(ctx context.Context, word string, meanwhile func()) []inspect.Container {
	ctx = within{ctx, time.Now().Add(e.limit)}
	all, _ := e.endpoints()
	var asked []endpoint
	var names []string
	for _, p := range all {
		if name, ok := nameFor(word, p.engine); ok {
			asked, names = append(asked, p), append(names, name)
		}
	}
	if len(asked) == 1 { // the usual case, without a goroutine
		asked[0].meanwhile = meanwhile
		return asked[0].one(ctx, names[0])
	}
	answers := make([][]inspect.Container, len(asked))
	var wg sync.WaitGroup
	for i, p := range asked {
		wg.Go(func() { answers[i] = p.one(ctx, names[i]) })
	}
	if len(asked) > 0 {
		meanwhile()
	}
	wg.Wait()
	var found []inspect.Container
	for _, a := range answers {
		found = append(found, a...)
	}
	return union(found, containerID)
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
	isName := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r)
	}
	return word, strings.Trim(word, ".") != "" && strings.IndexFunc(word, func(r rune) bool { return !isName(r) }) < 0
}

// one asks for one container. No answer is no container.
func (p endpoint) one(ctx context.Context, name string) []inspect.Container {
	r, err := p.get(ctx, p.path+"containers/"+name+"/json")
	if err != nil || r.code != statusOK {
		return nil
	}
	body, err := parseFound(r.body)
	if err != nil || body.ID == "" {
		return nil
	}
	return []inspect.Container{{
		ID: body.ID, Name: strings.TrimPrefix(body.Name, "/"), Engine: engineOf(r.header, p.engine),
		State: body.State.Status, PID: max(body.State.Pid, 0),
	}}
}
