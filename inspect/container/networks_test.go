package container

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nsinspect/inspect"
)

// What docker network create was told is what the engine's list says.
func TestDockerNetworks(t *testing.T) {
	docker.Start(t)
	docker.Network(t, "closed", "--internal", "--subnet", "172.30.0.0/24", "--label", "password=secret")
	docker.Network(t, "bare", "--opt", "com.docker.network.bridge.enable_ip_masquerade=false", "--opt", "com.docker.network.bridge.name=bare0")
	list, problems := realEngines(t).Networks(t.Context())
	if len(problems) > 0 {
		t.Errorf("problems %+v", problems)
	}
	by := map[string]inspect.EngineNetwork{}
	for _, n := range list {
		by[n.Name] = n
	}
	for name, want := range map[string]struct {
		bridge               string
		internal, masquerade bool
	}{
		"bridge": {"docker0", false, true}, "bare": {"bare0", false, false}, "closed": {"br-" + by["closed"].ID[:12], true, false},
	} {
		n := by[name]
		if n.Bridge() != want.bridge || n.Internal != want.internal || n.Masquerades(false) != want.masquerade || n.Engine != Docker || n.Driver != "bridge" {
			t.Errorf("%s is %+v, want %+v", name, n, want)
		}
	}
	if got := by["closed"].Subnets; len(got) != 1 || got[0] != netip.MustParsePrefix("172.30.0.0/24") {
		t.Errorf("subnets of closed: %v", got)
	}
	if n := by["host"]; n.Bridge() != "" {
		t.Errorf("network host has the bridge %q", n.Bridge())
	}
}

// Options of plugins, which can hold passwords, are left, and an answer that
// is none is a problem.
func TestNetworksOfAnEngine(t *testing.T) {
	dir := socketDir(t)
	serve(t, dir+"/docker.sock", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/networks" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(`[{"Id":"n1","Name":"shop","Driver":"bridge","EnableIPv6":true,"IPAM":{"Config":[{"Subnet":"fd00::/64"},{"Subnet":"x"}]},
"Options":{"com.docker.network.bridge.name":"shop0","password":"secret"}},{"Name":"no id"}]`))
	})
	got, problems := host(t, dir, nil).Networks(t.Context())
	want := []inspect.EngineNetwork{{
		ID: "n1", Name: "shop", Engine: Docker, Driver: "bridge", IPv6: true, Subnets: []netip.Prefix{netip.MustParsePrefix("fd00::/64")},
		Options: map[string]string{"com.docker.network.bridge.name": "shop0"},
	}}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
	if len(problems) != 1 || problems[0].Err != "a network without id" {
		t.Errorf("problems %+v", problems)
	}
}
