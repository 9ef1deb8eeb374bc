package container

import (
	"context"
	"sync"
	"time"

	"nsinspect/inspect"
)

// Source tells what is known of the containers of a host beyond their cgroup
// paths, and of the networks that were made for them. What could not be learnt
// is in the problems; the rest is good nonetheless.
type Source interface {
	Containers(ctx context.Context) ([]inspect.Container, []inspect.Problem)
	Networks(ctx context.Context) ([]inspect.EngineNetwork, []inspect.Problem)
}

// Limit is the time that all engines together have for their answers, so that
// none costs 0.3 s.
const Limit = 280 * time.Millisecond

// Engines is the Source that asks the container engines of this host over
// the HTTP API of Docker, which Podman serves too: all of them at once, within
// [Limit], connecting included. An engine that hangs, refuses or talks
// nonsense is a problem and costs no more than that; one that is not installed
// is none.
//
// It asks the engine that DOCKER_HOST names (unix, tcp and http; one behind TLS
// or ssh is another host's), or Docker's sockets of the system and of the user; and Podman's sockets of the system and of the user. The
// engines of other users are not asked, for they could say anything. Where
// two engines know one id, the first in this order is believed.
//
// Docker is not asked where systemd would start it for the question. Podman
// is: it has no daemon, asking starts it for some seconds.
func Engines(env func(string) string) Source {
	return &engines{env: env, places: hostPlaces(), limit: Limit}
}

type engines struct {
	env    func(string) string
	places places
	limit  time.Duration
}

// Containers asks all engines and returns when the last has answered or the
// time is over.
func (e *engines) Containers(ctx context.Context) ([]inspect.Container, []inspect.Problem) {
	list, problems := askAll(ctx, e, endpoint.containers)
	return union(list, containerID), problems
}

// askAll asks all engines at once. What came of an answer that broke off is
// kept.
func askAll[T any](ctx context.Context, e *engines, question func(endpoint, context.Context) ([]T, error)) ([]T, []inspect.Problem) {
	ctx, cancel := context.WithTimeout(ctx, e.limit)
	defer cancel()
	endpoints, problems := e.endpoints()
	answers, errs := make([][]T, len(endpoints)), make([]error, len(endpoints))
	var wg sync.WaitGroup
	for i, p := range endpoints {
		wg.Go(func() { answers[i], errs[i] = question(p, ctx) })
	}
	wg.Wait()
	var told []T
	for i, p := range endpoints {
		told = append(told, answers[i]...)
		if errs[i] != nil {
			problems = append(problems, p.problem(errs[i]))
		}
	}
	return told, problems
}
