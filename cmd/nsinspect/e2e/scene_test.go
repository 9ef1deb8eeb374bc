package e2e

import (
	"os"
	"testing"

	"nsinspect/inspect"
	"nsinspect/inspect/container/dockertest"
)

// scene is a Docker host: containers by name, with what docker inspect and
// /proc say of them.
type scene map[string]*actor

type actor struct {
	dockertest.Container
	ns map[inspect.Type]uint64 // of its first process
}

// newScene starts the containers of the Docker host that the tests look at:
//
//	web1  on the bridge, with a second process
//	web2  on the bridge with a published port, of the same compose service
//	side  in the network namespace of web1
//	agent in the network and pid namespaces of the host
func newScene(t *testing.T) scene {
	t.Helper()
	docker.Start(t)
	s := scene{}
	service := []string{"--label=com.docker.compose.project=shop", "--label=com.docker.compose.service=web"}
	s.run(t, "web1", service...)
	s.run(t, "web2", append(service, "--publish=127.0.0.1:8080:80", "--user=1000:1000")...)
	s.run(t, "side", "--net=container:web1")
	s.run(t, "agent", "--net=host", "--pid=host")
	docker.Docker(t, "exec", "--detach", "web1", "sleep", "1000")
	return s
}

func (s scene) run(t *testing.T, name string, args ...string) {
	t.Helper()
	id := docker.Run(t, append(args, "--name="+name)...)
	c := docker.Inspect(t, id)
	s[name] = &actor{Container: c, ns: links(t, c.State.Pid)}
}

// short is the id as docker ps shows it.
func (a *actor) short() string { return a.ID[:12] }

// private returns those namespaces of a that are not the host's. Docker's host
// is the daemon, whose network and mount namespaces are not ours.
func (a *actor) private(t testing.TB) map[inspect.Type]uint64 {
	t.Helper()
	all := map[inspect.Type]uint64{}
	ours, daemons := links(t, os.Getpid()), links(t, docker.Supervisor())
	for typ, ino := range a.ns {
		if ino != ours[typ] && ino != daemons[typ] {
			all[typ] = ino
		}
	}
	return all
}

// TestDockerHost holds every view of one Docker host.
func TestDockerHost(t *testing.T) {
	s := newScene(t)
	for _, v := range []struct {
		name  string
		check func(*testing.T, scene)
	}{
		{"ls", checkLs},
		{"ls like lsns", checkLsns},
		{"ls target", checkLsTarget},
		{"ls filter", checkLsFilter},
		{"why", checkWhy},
		{"why leaked", checkLeaked},
		{"mounts", checkMounts},
		{"can", checkCan},
		{"show", checkShow},
		{"show text", checkShowText},
		{"tree", checkTree},
		{"tree pid", checkPIDTree},
		{"ps", checkPs},
		{"id", checkID},
		{"diff", checkDiff},
		{"diff snapshots", checkDiffSnapshots},
		{"completion", checkCompletion},
		{"engine hangs", checkEngineHangs},
		{"no containers", checkNoContainers},
		{"short id", checkShortID},
		{"snapshot", checkSnapshot},
	} {
		t.Run(v.name, func(t *testing.T) { v.check(t, s) })
	}
}
