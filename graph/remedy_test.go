package graph

import (
	"slices"
	"testing"

	"nsinspect/inspect"
)

// TestRemediesOfContainer has a container's network namespace as Docker makes
// it: its own process, sockets of that process and of dockerd, the mount of
// the sandbox; and a monitoring agent that has leaked a descriptor of it.
func TestRemediesOfContainer(t *testing.T) {
	net := inspect.ID{Dev: 4, Ino: 10}
	var links inspect.Links
	links[inspect.LinkNet] = net
	s := &inspect.Snapshot{
		Format: inspect.Format, Scope: inspect.NewScope(inspect.FactsAll, nil),
		Namespaces: []inspect.Namespace{{ID: net, Type: inspect.Net}},
		Processes: []inspect.Process{
			{PID: 5, Info: &inspect.Info{Comm: "dockerd"}},
			{PID: 6, Info: &inspect.Info{Comm: "agent"}},
			{PID: 7, NS: links, Info: &inspect.Info{Comm: "httpd", Container: "c1"}},
		},
		Containers: []inspect.Container{{ID: "c1", Name: "web1", Engine: "docker", PID: 7}},
		Refs: inspect.SortRefs([]inspect.Ref{
			{NS: net, Kind: inspect.RefSocket, PID: 5, FD: 33},
			{NS: net, Kind: inspect.RefFD, PID: 6, FD: 9},
			{NS: net, Kind: inspect.RefSocket, PID: 7, FD: 3},
			{NS: net, Kind: inspect.RefMount, Path: "/run/docker/netns/a95ce0df1380"},
		}),
	}
	free := func() []string {
		var got []string
		x := inspect.NewIndex(s)
		w := WhyOf(x, x.Namespace(net))
		for _, r := range w.Free {
			got = append(got, r.Command)
		}
		slices.Sort(got)
		return got
	}
	if got, want := free(), []string{"docker stop web1", "kill 6"}; !slices.Equal(got, want) {
		t.Errorf("while it runs: %q, want %q", got, want)
	}
	s.Processes, s.Refs = s.Processes[:2], slices.DeleteFunc(s.Refs, func(r inspect.Ref) bool { return r.PID == 7 })
	if got, want := free(), []string{"kill 5", "kill 6", "umount /run/docker/netns/a95ce0df1380"}; !slices.Equal(got, want) {
		t.Errorf("leaked: %q, want %q", got, want)
	}
}
