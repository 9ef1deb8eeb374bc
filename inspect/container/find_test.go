package container

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nsinspect/inspect"
)

// knows serves one container of an engine by name and notes what is asked.
func knows(name, server string, pid int, asked *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.RequestURI)
		if r.URL.Path != "/containers/"+name+"/json" {
			http.Error(w, `{"message":"No such container"}`, http.StatusNotFound)
			return
		}
		w.Header().Set("Server", server)
		fmt.Fprintf(w, `{"Id":%q,"Name":"/%s","State":{"Status":"running","Pid":%d},"Config":{}}`, idA, name, pid)
	}
}

func TestFind(t *testing.T) {
	dir := socketDir(t)
	e := host(t, dir, nil)
	var asked []string
	serve(t, filepath.Join(dir, "docker.sock"), knows("web1", "Docker/28.2.2 (linux)", 4711, &asked))
	want := []inspect.Container{{ID: idA, Name: "web1", Engine: Docker, State: "running", PID: 4711}}
	for _, word := range []string{"web1", "docker:web1", "container:web1"} {
		if diff := cmp.Diff(want, e.askFor(t.Context(), word).Answer()); diff != "" {
			t.Errorf("%s: %s", word, diff)
		}
	}
	asked = nil
	for _, word := range []string{"", "web2", "podman:web1", "net:[4026531840]", "../version", "..", "a/b", "a?b", "a\r\nb: c"} {
		if found := e.askFor(t.Context(), word).Answer(); len(found) > 0 {
			t.Errorf("%q: found %v", word, found)
		}
	}
	if diff := cmp.Diff([]string{"/containers/web2/json"}, asked); diff != "" {
		t.Errorf("asked for what cannot be a name: %s", diff)
	}
}

func TestFindInTwoEngines(t *testing.T) {
	dir := socketDir(t)
	e := host(t, dir, nil)
	var asked []string
	serve(t, filepath.Join(dir, "docker.sock"), knows("web1", "Docker/28.2.2 (linux)", 1, &asked))
	var other []string
	serve(t, filepath.Join(dir, "podman.sock"), knows("db", "Libpod/5.0.0", 2, &other))
	if found := e.askFor(t.Context(), "db").Answer(); len(found) != 1 || found[0].PID != 2 {
		t.Errorf("%v", found)
	}
}

// An engine that answers nothing, or drop by drop, costs the limit.
func TestFindWithinLimit(t *testing.T) {
	for name, fn := range map[string]func(net.Conn){
		"silent": func(net.Conn) {},
		"drops": func(c net.Conn) {
			go func() {
				for {
					if _, err := io.WriteString(c, "H"); err != nil {
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			}()
		},
		"nonsense": func(c net.Conn) { _, _ = io.WriteString(c, "nonsense\r\n\r\n"); c.Close() },
	} {
		dir := socketDir(t)
		e := host(t, dir, nil)
		e.limit = 50 * time.Millisecond
		hang(t, filepath.Join(dir, "docker.sock"), fn)
		done := make(chan []inspect.Container, 1)
		go func() { done <- e.askFor(t.Context(), "web1").Answer() }()
		select {
		case found := <-done:
			if len(found) > 0 {
				t.Errorf("%s: %v", name, found)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: no end", name)
		}
	}
	dir := socketDir(t)
	e := host(t, dir, nil)
	e.limit = 50 * time.Millisecond
	fullQueue(t, filepath.Join(dir, "docker.sock"))
	if found := e.askFor(t.Context(), "web1").Answer(); len(found) > 0 {
		t.Errorf("full queue: %v", found)
	}
}
