package ahead

import "os"

// Socket is where Docker listens unless DOCKER_HOST says otherwise.
const Socket = "/var/run/docker.sock"

// Host is the value of the Host header on a Unix socket, which means nothing.
const Host = "localhost"

// Request is a request for uri in HTTP/1.0: the answer ends where the
// connection does.
func Request(uri, host string) []byte {
	return []byte("GET " + uri + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n")
}

// Container is what follows the path of the API for a container by its name.
func Container(name string) string { return "containers/" + name + "/json" }

// IsName reports whether word can be the name or id of a container.
func IsName(word string) bool {
	dots := 0
	for i := range len(word) {
		switch c := word[i]; {
		case c == '.':
			dots++
		case c == '-' && i == 0:
			return false
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return dots < len(word)
}

// Units are the directories of the cgroups of systemd's system units.
func Units() []string {
	return []string{
		"/sys/fs/cgroup/system.slice",
		"/sys/fs/cgroup/systemd/system.slice",
		"/sys/fs/cgroup/unified/system.slice",
	}
}

// Asleep reports whether systemd listens on Docker's socket without Docker
// running: it would start Docker, with all that Docker then starts, at the
// first connection. systemd has a cgroup in units for each unit that is active.
func Asleep(units []string) bool {
	active := func(unit string) bool {
		for _, dir := range units {
			if _, err := os.Stat(dir + "/" + unit); err == nil {
				return true
			}
		}
		return false
	}
	return active("docker.socket") && !active("docker.service")
}
