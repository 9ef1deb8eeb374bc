package ahead

import (
	"bufio"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is imported decides when the package is initialised: with fmt or
// reflect it would come after what takes time.
func TestImportsLittle(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	for _, late := range []string{"fmt", "reflect", "strings", "unicode", "net", "context"} {
		if slices.Contains(deps, late) {
			t.Errorf("it imports %s", late)
		}
	}
	if !slices.Contains(deps, "syscall") {
		t.Errorf("go list says %q: the test looked at nothing", deps)
	}
}

func TestAsk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked = ask([]string{"nsinspect", "enter", "web1", "--", "true"}, "unix://"+path)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "GET /containers/web1/json HTTP/1.0\r\n" {
		t.Errorf("asked %q, %v", line, err)
	}
	if fd, ok := Take(path, "/containers/web2/json"); ok || fd != -1 {
		t.Error("the answer for another container is taken")
	}
	if fd, ok := Take(Socket, "/containers/web1/json"); ok || fd != -1 {
		t.Error("the answer of another engine is taken")
	}
	if _, ok := Take(path, "/containers/web1/json"); !ok {
		t.Error("the answer is not there")
	}
	if _, ok := Take(path, "/containers/web1/json"); ok {
		t.Error("the answer is there twice")
	}
}

// Nothing is asked for what is no name of a container, of other commands, or
// where another way leads to Docker.
func TestAsksNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct{ line, host string }{
		{"enter", ""},
		{"show web1", ""},
		{"enter 3037", ""},
		{"enter self", ""},
		{"enter -p 3037", ""},
		{"enter --net=/run/netns/blue", ""},
		{"enter /proc/7", ""},
		{"enter net:[4026531840]", ""},
		{"enter docker:web1", ""},
		{"enter ../version", ""},
		{"enter ..", ""},
		{"enter web1", "tcp://192.0.2.1:2375"},
		{"enter web1", "unix://relative"},
		{"enter web1", "unix://" + path + "?x"},
		{"enter web1", "unix://%2f" + path},
		{"enter web1", "unix://" + path + ".none"},
	} {
		host := c.host
		if host == "" {
			host = "unix://" + path
		}
		if q := ask(append([]string{"nsinspect"}, strings.Fields(c.line)...), host); q.fd != -1 {
			t.Errorf("%s with DOCKER_HOST %q: asked %q", c.line, host, q.uri)
		}
	}
}
