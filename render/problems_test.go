package render

import (
	"testing"

	"nsinspect/inspect"
)

func TestProblemLine(t *testing.T) {
	links := inspect.Problem{Op: "read links", Err: "permission denied", Hint: "run as root", Count: 2, Total: 9, PIDs: []int{1, 7}}
	stat := inspect.Problem{Op: "read stat", Err: "permission denied", Count: 2, Total: 9, PIDs: []int{7, 8}}
	engine := inspect.Problem{Op: "ask engine", Path: "unix:///x", Err: "no answer", Hint: "docker version"}
	hostile := inspect.Problem{Op: "ask engine", Err: "answered \x1b[31m\nred"}
	uncounted := inspect.Problem{Op: "read stat", Err: "permission denied", PIDs: []int{7}}
	tests := []struct {
		problems []inspect.Problem
		want     string
	}{
		{nil, ""},
		{[]inspect.Problem{links}, "2 of 9 processes could not be read: run as root"},
		{[]inspect.Problem{stat, links}, "3 of 9 processes could not be read: run as root"},
		{[]inspect.Problem{engine}, "ask engine: unix:///x: no answer: docker version"},
		{[]inspect.Problem{engine, links}, "2 of 9 processes could not be read: run as root; ask engine: unix:///x: no answer: docker version"},
		{[]inspect.Problem{engine, links, hostile}, "2 of 9 processes could not be read: run as root (and 2 more, listed by -o json)"},
		{[]inspect.Problem{engine, hostile}, "ask engine: unix:///x: no answer: docker version (and 1 more, listed by -o json)"},
		{[]inspect.Problem{hostile}, "ask engine: " + Sanitize("answered \x1b[31m\nred")},
		{[]inspect.Problem{uncounted}, "read stat: permission denied"},
	}
	for _, tt := range tests {
		if got := ProblemLine(tt.problems); got != tt.want {
			t.Errorf("ProblemLine(%+v)\n got %q\nwant %q", tt.problems, got, tt.want)
		}
	}
}
