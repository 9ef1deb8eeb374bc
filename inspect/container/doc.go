// Package container knows containers: from the cgroup path of a process alone
// ([FromCgroups], no engine is asked), and from the HTTP API that Docker and
// Podman share ([Engines]), which adds names, images, labels and states.
package container

// The values of [nsinspect/inspect.Container.Engine].
const (
	Docker     = "docker"
	Podman     = "podman"
	Containerd = "containerd"
	CRIO       = "cri-o"
	LXC        = "lxc"
	Nspawn     = "nspawn"
	BuildKit   = "buildkit"
	// Kubernetes is a container of a pod whose runtime the path does not tell.
	Kubernetes = "kubernetes"
	// Unknown is a container id in a place that no engine uses by default,
	// as with docker run --cgroup-parent.
	Unknown = "unknown"
)
