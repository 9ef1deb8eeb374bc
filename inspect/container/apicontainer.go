package container

import (
	"strings"
	"unicode/utf8"

	"nsinspect/inspect"
)

// apiContainer is one element of the answer to GET /containers/json, see
// "List containers" of the Docker Engine API.
type apiContainer struct {
	ID         string `json:"Id"`
	Names      []string
	Image      string
	State      string
	Labels     map[string]string
	HostConfig struct{ NetworkMode string }
	Ports      []struct {
		IP                      string
		PrivatePort, PublicPort uint16
		Type                    string
	}
	NetworkSettings struct {
		Networks map[string]struct {
			NetworkID, IPAddress, GlobalIPv6Address, MacAddress string
		}
	}
}

func (c *apiContainer) container(engine string) inspect.Container {
	return inspect.Container{
		ID:          c.ID,
		Name:        ownName(c.Names),
		Engine:      engine,
		Image:       c.Image,
		State:       c.State,
		Pod:         c.Labels["io.kubernetes.pod.uid"],
		Labels:      keptLabels(c.Labels),
		NetworkMode: c.HostConfig.NetworkMode,
		Ports:       c.published(),
		Networks:    c.networks(),
	}
}

// ownName returns the container's own name without its slash. The others are
// those that --link gave it, "/web/db".
func ownName(names []string) string {
	for _, n := range names {
		n = strings.TrimPrefix(n, "/")
		if n != "" && !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}

// keepLabel reports whether a label is taken: those that say to which project,
// service, pod or unit a container belongs. Others can be many, and hold
// passwords (of reverse proxies, dashboards), which have no place in a
// snapshot that is sent to others.
func keepLabel(key string) bool {
	switch key {
	case "com.docker.compose.project",
		"com.docker.compose.project.working_dir",
		"com.docker.compose.service",
		"com.docker.compose.container-number",
		"com.docker.compose.oneoff",
		"com.docker.stack.namespace",
		"com.docker.swarm.service.name",
		"com.docker.swarm.task.name",
		"io.kubernetes.container.name",
		"io.kubernetes.pod.name",
		"io.kubernetes.pod.namespace",
		"io.kubernetes.pod.uid",
		"io.podman.compose.project",
		"io.podman.compose.service",
		"PODMAN_SYSTEMD_UNIT":
		return true
	}
	return false
}

// maxLabel bounds a label's value; none of those that are kept comes near.
const maxLabel = 1024

// keptLabels returns the labels that are taken; nil for none.
func keptLabels(all map[string]string) map[string]string {
	var kept map[string]string
	for key, value := range all {
		if !keepLabel(key) {
			continue
		}
		if kept == nil {
			kept = make(map[string]string)
		}
		kept[key] = clip(value)
	}
	return kept
}

func clip(s string) string {
	if len(s) <= maxLabel {
		return s
	}
	n := maxLabel
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
