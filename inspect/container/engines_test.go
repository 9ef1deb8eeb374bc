package container

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"nsinspect/inspect"
	"nsinspect/inspect/container/dockertest"
	"nsinspect/inspect/live/livetest"
)

const web1 = `{"Id":"` + idA + `","Names":["/db/web","/web1"],"Image":"nginx:1.27","ImageID":"sha256:00","Command":"nginx","State":"running",
"Labels":{"com.docker.compose.project":"shop","com.docker.compose.service":"web","traefik.http.middlewares.a.basicauth.users":"admin:secret"},
"HostConfig":{"NetworkMode":"shop_default"},"Mounts":[]}`

func wantWeb1(engine string) inspect.Container {
	return inspect.Container{
		ID: idA, Name: "web1", Engine: engine, Image: "nginx:1.27", State: "running", NetworkMode: "shop_default",
		Labels: map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "web"},
	}
}

// host is a host with no engine, and whose environment is vars.
func host(t *testing.T, dir string, vars map[string]string) *engines {
	t.Helper()
	return &engines{
		env:    func(key string) string { return vars[key] },
		places: places{docker: filepath.Join(dir, "docker.sock"), podman: filepath.Join(dir, "podman.sock")},
		limit:  time.Minute, // a machine under load is slow to answer
	}
}

func ask(t *testing.T, e *engines) ([]inspect.Container, []inspect.Problem) {
	t.Helper()
	return e.Containers(t.Context())
}

// docker is the daemon of the tests that need a real one, unified another one
// with cgroup version 2.
var docker, unified = dockertest.Daemon{}, dockertest.Daemon{Unified: true}

// TestMain holds that no question leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(docker.Tests(unified.Tests(m))) }

func TestEnginesNone(t *testing.T) {
	got, problems := ask(t, host(t, socketDir(t), nil))
	if len(got) != 0 || len(problems) != 0 {
		t.Errorf("a host without engine has %v and problems %v", got, problems)
	}
}

func TestEnginesDocker(t *testing.T) {
	dir := socketDir(t)
	serve(t, filepath.Join(dir, "docker.sock"), answers("["+web1+`,{"Id":"`+idB+`","Names":["/old"],"State":"exited"}]`))
	got, problems := ask(t, host(t, dir, nil))
	want := []inspect.Container{wantWeb1(Docker), {ID: idB, Name: "old", Engine: Docker, State: "exited"}}
	if diff := cmp.Diff(want, got); diff != "" || len(problems) != 0 {
		t.Errorf("-want +got:\n%s\nproblems: %v", diff, problems)
	}
}

// Podman serves the same path, also where Docker's socket is expected.
func TestEnginesPodman(t *testing.T) {
	for _, header := range []string{"Server", "Libpod-Api-Version"} {
		t.Run(header, func(t *testing.T) {
			dir := socketDir(t)
			serve(t, filepath.Join(dir, "docker.sock"), func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set(header, "Libpod/5.4.0 (linux)")
				io.WriteString(w, "["+web1+"]")
			})
			got, problems := ask(t, host(t, dir, nil))
			if diff := cmp.Diff([]inspect.Container{wantWeb1(Podman)}, got); diff != "" || len(problems) != 0 {
				t.Errorf("-want +got:\n%s\nproblems: %v", diff, problems)
			}
		})
	}
}

// All sockets are asked; of two engines that claim one id Docker's is believed.
func TestEnginesAll(t *testing.T) {
	dir, user := socketDir(t), socketDir(t)
	serve(t, filepath.Join(dir, "docker.sock"), answers("["+web1+"]"))
	serve(t, filepath.Join(dir, "podman.sock"), answers(`[{"Id":"`+idA+`","Names":["evil"]}]`))
	serve(t, filepath.Join(user, "docker.sock"), answers(`[{"Id":"`+idB+`","Names":["/rootless"]}]`))
	serve(t, filepath.Join(user, "podman/podman.sock"), answers(`[{"Id":"0","Names":["pod"]}]`))
	got, problems := ask(t, host(t, dir, map[string]string{"XDG_RUNTIME_DIR": user}))
	if names(got) != "pod web1 rootless" || len(problems) != 0 {
		t.Errorf("names = %q, problems %v", names(got), problems)
	}
}

func names(list []inspect.Container) string {
	var s []string
	for _, c := range list {
		s = append(s, c.Name)
	}
	return strings.Join(s, " ")
}

// A socket that is a link to another is asked once.
func TestEnginesLink(t *testing.T) {
	dir := socketDir(t)
	asked := make(chan struct{}, 8)
	serve(t, filepath.Join(dir, "podman.sock"), func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		answers("["+web1+"]")(w, r)
	})
	if err := os.Symlink("podman.sock", filepath.Join(dir, "docker.sock")); err != nil {
		t.Fatal(err)
	}
	if got, _ := ask(t, host(t, dir, nil)); len(got) != 1 || len(asked) != 1 {
		t.Errorf("%d containers of %d questions, want 1 of 1", len(got), len(asked))
	}
}

// An engine that fails costs no other its answer, and says what to do.
func TestEnginesFailing(t *testing.T) {
	huge := strings.Repeat(`{"Id":"x","Names":["/`+strings.Repeat("a", 1000)+`"]},`, 9000)
	tests := []struct {
		name  string
		start func(t *testing.T, path string)
		err   string
		hint  string
	}{
		{
			"never accepts", func(t *testing.T, path string) { l := listen(t, path); t.Cleanup(func() { l.Close() }) },
			"no answer within", " version; or ",
		},
		{"queue full", fullQueue, "does not accept connections", " version; or "},
		{
			"accepts and is silent", func(t *testing.T, path string) { hang(t, path, func(net.Conn) {}) },
			"no answer within", " version; or ",
		},
		{"hangs in the header", func(t *testing.T, path string) {
			hang(t, path, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nServer:") })
		}, "no answer within", " version; or "},
		{"hangs in the body", func(t *testing.T, path string) {
			hang(t, path, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{\"Id\":") })
		}, "no answer within", " version; or "},
		{"hangs up", func(t *testing.T, path string) {
			hang(t, path, func(c net.Conn) { c.Read(make([]byte, 4096)); c.Close() })
		}, "EOF", without},
		{"breaks off", func(t *testing.T, path string) {
			serve(t, path, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[{"Id":`) })
		}, "unexpected EOF", without},
		{"speaks another protocol", func(t *testing.T, path string) {
			hang(t, path, func(c net.Conn) {
				c.Read(make([]byte, 4096))
				io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
				c.Close()
			})
		}, `malformed HTTP response "SSH-2.0-OpenSSH_9.2"`, without},
		{"is another server", func(t *testing.T, path string) {
			serve(t, path, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") })
		}, "invalid character", without},
		{"has no list", func(t *testing.T, path string) {
			serve(t, path, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })
		}, "not a list", without},
		{"has a container without id", func(t *testing.T, path string) {
			serve(t, path, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[{"Names":["/x"]}]`) })
		}, "without id", without},
		{"endless header", func(t *testing.T, path string) {
			serve(t, path, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X", strings.Repeat("x", maxHeader))
			})
		}, "exceeded", without},
		{"answers 500", func(t *testing.T, path string) {
			serve(t, path, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(500)
				io.WriteString(w, `{"message":"out of \u001b[31m order"}`)
			})
		}, "answered 500 Internal Server Error: out of \x1b[31m order", without},
		{"answers 404 in HTML", func(t *testing.T, path string) {
			serve(t, path, http.NotFound)
		}, "answered 404 Not Found", without},
		{"redirects", func(t *testing.T, path string) {
			serve(t, path, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
			})
		}, "answered 302 Found", without},
		{"nobody listens", func(t *testing.T, path string) {
			l := listen(t, path)
			l.(*net.UnixListener).SetUnlinkOnClose(false)
			l.Close()
		}, "connection refused", "systemctl status podman"},
		{"is a file", func(t *testing.T, path string) {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "connection refused", "systemctl status podman"},
		{"huge", func(t *testing.T, path string) {
			serve(t, path, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "["+huge+"{}]") })
		}, "longer than 8 MiB", without},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := socketDir(t)
			serve(t, filepath.Join(dir, "docker.sock"), answers("["+web1+"]"))
			path := filepath.Join(dir, "podman.sock")
			tt.start(t, path)
			e := host(t, dir, nil)
			if strings.HasPrefix(tt.err, "no answer") {
				e.limit = 3 * time.Second // enough for the healthy one under load
			}
			got, problems := ask(t, e)
			if !strings.Contains(names(got), "web1") {
				t.Errorf("the healthy engine's answer is lost: %v", names(got))
			}
			if len(problems) != 1 {
				t.Fatalf("problems = %v, want one", problems)
			}
			p := problems[0]
			if p.Op != "ask container engine" || p.Path != "unix://"+path ||
				!strings.Contains(p.Err, tt.err) || !strings.Contains(p.Hint, tt.hint) {
				t.Errorf("problem = %+v\nwant error %q and hint %q", p, tt.err, tt.hint)
			}
		})
	}
}

// What came before an answer broke off is kept.
func TestEnginesPartial(t *testing.T) {
	dir := socketDir(t)
	serve(t, filepath.Join(dir, "docker.sock"), answers("["+web1+`,{"Id":5}]`))
	got, problems := ask(t, host(t, dir, nil))
	if names(got) != "web1" || len(problems) != 1 {
		t.Errorf("names %q, problems %v", names(got), problems)
	}
}

// A caller that gives up is not kept waiting.
func TestEnginesCancelled(t *testing.T) {
	dir := socketDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	hang(t, filepath.Join(dir, "docker.sock"), func(net.Conn) { cancel() })
	e := host(t, dir, nil)
	e.limit = 1 << 62
	if _, problems := e.Containers(ctx); len(problems) != 1 || problems[0].Err != "context canceled" {
		t.Errorf("problems = %v", problems)
	}
}

// Names, images and labels are chosen by whoever starts a container.
func TestEnginesHostile(t *testing.T) {
	dir := socketDir(t)
	long := strings.Repeat("é", maxLabel)
	serve(t, filepath.Join(dir, "docker.sock"), answers(
		`[{"Id":"x","Names":["/a\u001b]0;pwn\u0007"],"Image":"i`+"\xff\xfe"+`","Labels":{"com.docker.compose.project":"`+long+`"}}]`))
	got, problems := ask(t, host(t, dir, nil))
	want := []inspect.Container{{
		ID: "x", Name: "a\x1b]0;pwn\a", Engine: Docker, Image: "i\uFFFD\uFFFD",
		Labels: map[string]string{"com.docker.compose.project": long[:maxLabel] + "…"},
	}}
	if diff := cmp.Diff(want, got); diff != "" || len(problems) != 0 {
		t.Errorf("-want +got:\n%s\nproblems: %v", diff, problems)
	}
}

// An unprivileged user may not connect.
func TestEnginesPermission(t *testing.T) {
	livetest.Root(t)
	dir := socketDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "docker.sock")
	serve(t, path, answers("["+web1+"]"))
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	// All threads, for the one that dials is not ours to choose.
	if err := syscall.Setresuid(-1, 65534, -1); err != nil {
		t.Fatal(err)
	}
	got, problems := ask(t, host(t, dir, nil))
	if err := syscall.Setresuid(-1, 0, -1); err != nil {
		t.Fatal(err)
	}
	want := []inspect.Problem{{
		Op: "ask container engine", Path: "unix://" + path, Err: "permission denied",
		Hint: "run it with sudo, or join the group: sudo usermod -aG docker $USER; or leave containers' names out with --no-containers",
	}}
	if diff := cmp.Diff(want, problems); diff != "" || len(got) != 0 {
		t.Errorf("-want +got:\n%s\ncontainers: %v", diff, got)
	}
}

// Where systemd would start Docker for the question it is not asked.
func TestEnginesAsleep(t *testing.T) {
	dir, units := socketDir(t), t.TempDir()
	asked := make(chan struct{}, 8)
	serve(t, filepath.Join(dir, "docker.sock"), func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		answers("["+web1+"]")(w, r)
	})
	e := host(t, dir, nil)
	e.places.units = []string{filepath.Join(dir, "none"), units}
	if err := os.Mkdir(filepath.Join(units, "docker.socket"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, problems := ask(t, e)
	if len(asked) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Hint, "systemctl start docker") {
		t.Errorf("asked %d times, problems %v", len(asked), problems)
	}
	if err := os.Mkdir(filepath.Join(units, "docker.service"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, problems := ask(t, e); names(got) != "web1" || len(problems) != 0 {
		t.Errorf("once it runs: %q, problems %v", names(got), problems)
	}
}

func TestDockerHost(t *testing.T) {
	dir := socketDir(t)
	serve(t, filepath.Join(dir, "docker.sock"), answers(`[{"Id":"default"}]`))
	serve(t, filepath.Join(dir, "mine.sock"), answers("["+web1+"]"))
	plain := httptest.NewServer(answers("[" + web1 + "]"))
	t.Cleanup(plain.Close)
	prefixed := httptest.NewServer(http.StripPrefix("/engine", answers("["+web1+"]")))
	t.Cleanup(prefixed.Close)
	addr := plain.Listener.Addr().String()
	tests := []struct{ host, names, err, hint string }{
		{host: "unix://" + dir + "/mine.sock", names: "web1"},
		{host: "tcp://" + addr, names: "web1"},
		{host: "http://" + addr + "/", names: "web1"},
		{host: "tcp://" + prefixed.Listener.Addr().String() + "/engine", names: "web1"},
		{host: "unix://" + dir + "/none.sock", err: "no such file or directory", hint: "unset DOCKER_HOST"},
		{host: "unix://relative.sock", err: `"relative.sock" is not an absolute path`, hint: "DOCKER_HOST=unix:///var/run/docker.sock"},
		{host: "ssh://root:secret@far", err: `scheme "ssh"`, hint: "run nsinspect on that host"},
		{host: "https://" + addr, err: `scheme "https"`, hint: "run nsinspect on that host"},
		{host: "npipe:////./pipe/docker_engine", err: `scheme "npipe"`, hint: "DOCKER_HOST=unix:///var/run/docker.sock"},
		{host: dir + "/mine.sock", err: `scheme ""`, hint: "DOCKER_HOST=unix:///var/run/docker.sock"},
		{host: "tcp://", err: "no host", hint: "unset DOCKER_HOST"},
		{host: "tcp://user:secret@[::1", err: "missing ']' in host", hint: "unset DOCKER_HOST"},
		{host: "tcp://user:secret@127.0.0.1:0", err: "connection refused", hint: "unset DOCKER_HOST"},
	}
	for _, tt := range tests {
		t.Run(tt.host, func(t *testing.T) {
			got, problems := ask(t, host(t, dir, map[string]string{"DOCKER_HOST": tt.host}))
			if names(got) != tt.names {
				t.Errorf("names = %q, want %q", names(got), tt.names)
			}
			text := fmt.Sprint(problems)
			if (len(problems) > 0) != (tt.err != "") || !strings.Contains(text, tt.err) || !strings.Contains(text, tt.hint) {
				t.Errorf("problems = %v\nwant error %q and hint %q", text, tt.err, tt.hint)
			}
			if strings.Contains(text, "secret") {
				t.Errorf("a password is shown: %v", text)
			}
		})
	}
}

// An engine behind TLS is another host's.
func TestDockerHostTLS(t *testing.T) {
	for _, name := range []string{"DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"} {
		vars := map[string]string{"DOCKER_HOST": "tcp://127.0.0.1:2376", name: "1"}
		got, problems := ask(t, host(t, socketDir(t), vars))
		if len(got) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Err, "TLS") || !strings.Contains(problems[0].Hint, "run nsinspect on that host") {
			t.Errorf("%s: names %q, problems %v", name, names(got), problems)
		}
	}
}

func TestUnion(t *testing.T) {
	got := union([]inspect.Container{{ID: "b", Name: "web"}, {ID: "a", Name: "old"}, {ID: "b", Name: "evil"}}, containerID)
	want := []inspect.Container{{ID: "a", Name: "old"}, {ID: "b", Name: "web"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzDecode holds that whatever an engine answers, what is taken of it has an
// id, is UTF-8 as JSON needs it, and has no label that was not asked for.
func FuzzDecode(f *testing.F) {
	f.Add("[" + web1 + "]")
	f.Add(`[{"Id":"x","Names":["/a\u001b\ud800"],"Labels":{"a":"b","io.kubernetes.pod.uid":"u"}},{}]`)
	f.Add("[\"\xff\"]")
	f.Add(`[{"Id":"x","Names":null,"Labels":null,"HostConfig":null}]`)
	f.Fuzz(func(t *testing.T, body string) {
		list, err := endpoint{engine: Docker}.decodeContainers(t.Context(), &response{body: []byte(body)})
		if err == nil && !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "[") {
			t.Errorf("%q is taken for a list", body)
		}
		for _, c := range list {
			if c.ID == "" || c.Engine != Docker {
				t.Errorf("%q gave %+v", body, c)
			}
			if text := fmt.Sprintf("%s", []any{c.ID, c.Name, c.Image, c.State, c.Pod, c.NetworkMode, c.Labels}); !utf8.ValidString(text) {
				t.Errorf("%q gave %q", body, text)
			}
			for key, value := range c.Labels {
				if !keepLabel(key) || len(value) > maxLabel+len("…") {
					t.Errorf("%q gave the label %q", body, key)
				}
			}
		}
	})
}
