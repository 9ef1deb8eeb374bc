package container

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

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
	endpoints, _ := e.endpoints()
	answers := make([][]inspect.Container, len(endpoints))
	var wg sync.WaitGroup
	for i, p := range endpoints {
		name, ok := nameFor(word, p.engine)
		if ok {
			wg.Go(func() { answers[i] = p.one(ctx, name) })
		}
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
	return word, word != "" && !strings.ContainsAny(word, "/:[]?#%")
}

// one asks for one container. No answer is no container.
func (p endpoint) one(ctx context.Context, name string) []inspect.Container {
	resp, err := p.get(ctx, p.base.JoinPath("containers", name, "json"))
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
	c := inspect.Container{
		ID: body.ID, Name: strings.TrimPrefix(body.Name, "/"), Engine: engineOf(resp.Header, p.engine),
		State: body.State.Status, PID: max(body.State.Pid, 0),
	}
	return []inspect.Container{c}
}
