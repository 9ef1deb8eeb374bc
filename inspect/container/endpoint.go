package container

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"nsinspect/inspect"
	"nsinspect/inspect/container/ahead"
)

// endpoint is where one engine is to be asked.
type endpoint struct {
	name    string // as a user writes it: unix:///run/docker.sock
	engine  string // the engine that is expected there
	network string // of dial: unix, tcp
	address string
	path    string // of its API: "/", or what a proxy has before it
	chosen  bool   // named by the user, so that its absence is a problem
}

// places are the paths of a host; tests have their own.
type places struct {
	docker, podman string   // sockets of the system
	userRun        string   // where the user's sockets are when XDG_RUNTIME_DIR is not set; "" for nowhere
	units          []string // directories of the cgroups of systemd's system units
}

func hostPlaces() places {
	p := places{
		docker: ahead.Socket,
		podman: "/run/podman/podman.sock",
		units:  ahead.Units(),
	}
	if uid := os.Geteuid(); uid != 0 {
		p.userRun = "/run/user/" + strconv.Itoa(uid)
	}
	return p
}

// endpoints lists the engines to ask, each once, and what keeps one from
// being asked.
func (e *engines) endpoints() ([]endpoint, []inspect.Problem) {
	var list []endpoint
	var problems []inspect.Problem
	if host := e.env("DOCKER_HOST"); host != "" {
		p, err := parseHost(host, e.env)
		if err != nil {
			problems = append(problems, hostProblem(err))
		} else {
			list = append(list, p)
		}
	} else {
		list = append(list, unixSocket(Docker, e.places.docker))
		list = e.userSocket(list, Docker, "docker.sock")
	}
	list = append(list, unixSocket(Podman, e.places.podman))
	list = e.userSocket(list, Podman, "podman/podman.sock")
	return e.present(list, problems)
}

func unixSocket(engine, path string) endpoint {
	return endpoint{
		name: "unix://" + path, engine: engine, network: "unix", address: path, path: "/",
	}
}

// userSocket adds a socket of the user's own engine.
func (e *engines) userSocket(list []endpoint, engine, name string) []endpoint {
	dir := e.env("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = e.places.userRun
	}
	if !filepath.IsAbs(dir) {
		return list
	}
	return append(list, unixSocket(engine, filepath.Join(dir, name)))
}

// present leaves out the sockets that do not exist, those that lead to one
// that is asked already, and those whose engine would be started.
func (e *engines) present(list []endpoint, problems []inspect.Problem) ([]endpoint, []inspect.Problem) {
	var asked []endpoint
	var files []fs.FileInfo
	for _, p := range list {
		if p.network == "unix" {
			info, err := os.Stat(p.address)
			switch {
			case err != nil && p.chosen:
				problems = append(problems, p.problem(err))
				continue
			case err != nil || known(files, info):
				continue
			case !p.chosen && p.engine == Docker && ahead.Asleep(e.places.units):
				problems = append(problems, asleepProblem(p))
				continue
			}
			files = append(files, info)
		}
		asked = append(asked, p)
	}
	return asked, problems
}

// known reports whether info is one of files, as where Docker's socket is a
// link to Podman's.
func known(files []fs.FileInfo, info fs.FileInfo) bool {
	for _, f := range files {
		if os.SameFile(f, info) {
			return true
		}
	}
	return false
}

// schemeError is a DOCKER_HOST that is not spoken here.
type schemeError string

func (e schemeError) Error() string {
	return fmt.Sprintf("scheme %q is not one of unix, tcp, http", string(e))
}

// parseHost reads DOCKER_HOST as docker(1) does.
func parseHost(host string, env func(string) string) (endpoint, error) {
	u, err := url.Parse(host)
	if err != nil {
		return endpoint{}, errors.Unwrap(err) // *url.Error, which repeats the host
	}
	switch u.Scheme {
	case "unix":
		path := u.Host + u.Path
		if !filepath.IsAbs(path) {
			return endpoint{}, fmt.Errorf("%q is not an absolute path", path)
		}
		p := unixSocket(Docker, path)
		p.name, p.chosen = host, true
		return p, nil
	case "tcp", "http":
		return tcpHost(u, env)
	}
	return endpoint{}, schemeError(u.Scheme)
}

// errTLS is an engine that is to be asked over TLS: one of another host, whose
// containers are not here.
var errTLS = errors.New("it is to be asked over TLS, which only engines of other hosts need")

func tcpHost(u *url.URL, env func(string) string) (endpoint, error) {
	switch {
	case u.Hostname() == "":
		return endpoint{}, errors.New("no host in it")
	case env("DOCKER_TLS_VERIFY") != "" || env("DOCKER_CERT_PATH") != "":
		return endpoint{}, errTLS
	}
	port := "2375"
	if u.Port() != "" {
		port = u.Port()
	}
	path := u.JoinPath("/").EscapedPath()
	return endpoint{
		name: u.Redacted(), engine: Docker, network: "tcp", chosen: true,
		address: net.JoinHostPort(u.Hostname(), port), path: path,
	}, nil
}
