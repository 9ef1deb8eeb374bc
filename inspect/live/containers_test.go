package live

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsinspect/inspect"
)

// engineList is a container.Source that knows these.
type engineList []inspect.Container

func (l engineList) Containers(context.Context) ([]inspect.Container, []inspect.Problem) {
	return l, []inspect.Problem{{Op: "ask docker", Err: "timed out"}}
}

func (engineList) Networks(context.Context) ([]inspect.EngineNetwork, []inspect.Problem) {
	return []inspect.EngineNetwork{{ID: "n1", Name: "shop"}}, []inspect.Problem{{Op: "ask docker", Err: "timed out"}}
}

// The engines' list and the cgroups' are united: the engine knows names and
// states, the cgroup who is in there now.
func TestContainersAreUnited(t *testing.T) {
	in := func(id string, pid int, start uint64) inspect.Process {
		return inspect.Process{PID: pid, Info: &inspect.Info{Container: id, Start: start}}
	}
	c := &capture{
		Options: Options{Facts: inspect.FactContainers | inspect.FactEngineNetworks, Engines: engineList{
			{ID: "aa", Name: "web1", Engine: "docker", State: "running", PID: 30},
			{ID: "bb", Name: "db", Engine: "docker", State: "exited"},
			{ID: "cc", Name: "far", Engine: "docker", State: "running", PID: 999},
			{ID: "ee", Name: "near", Engine: "podman", State: "running", PID: 50},
		}},
		procs: []inspect.Process{in("aa", 10, 500), in("aa", 20, 400), in("dd", 30, 7), in("", 40, 1), {PID: 50}},
	}
	c.found.add(inspect.Container{ID: "aa", Engine: "docker", Pod: "pod-1"})
	c.found.add(inspect.Container{ID: "dd", Engine: "containerd", Name: "x"})
	c.engines = <-c.askEngines(t.Context())
	want := []inspect.Container{
		{ID: "aa", Name: "web1", Engine: "docker", State: "running", PID: 20, Pod: "pod-1"},
		{ID: "bb", Name: "db", Engine: "docker", State: "exited"},
		{ID: "cc", Name: "far", Engine: "docker", State: "running"},
		{ID: "dd", Engine: "containerd", Name: "x", PID: 30},
		{ID: "ee", Name: "near", Engine: "podman", State: "running", PID: 50},
	}
	s := c.snapshot()
	if diff := cmp.Diff(want, s.Containers); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	if len(s.EngineNetworks) != 1 || s.EngineNetworks[0].Name != "shop" {
		t.Errorf("networks %+v", s.EngineNetworks)
	}
	if len(s.Problems) != 1 || s.Problems[0].Op != "ask docker" {
		t.Errorf("problems %+v", s.Problems)
	}
}

// Engines are asked only with FactContainers.
func TestEnginesAreNotAsked(t *testing.T) {
	c := &capture{Options: Options{Engines: engineList{{ID: "aa"}}}}
	if got := <-c.askEngines(t.Context()); got.containers != nil || got.problems != nil {
		t.Errorf("the engines were asked: %+v", got)
	}
}
