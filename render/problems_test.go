package render

import (
	"slices"
	"testing"

	"nsinspect/inspect"
)

func TestProblemLines(t *testing.T) {
	links := inspect.Problem{Op: "read links", Err: "permission denied", Hint: "run as root", Count: 2, Total: 9, PIDs: []int{1, 7}}
	stat := inspect.Problem{Op: "read stat", Err: "permission denied", Count: 2, Total: 9, PIDs: []int{7, 8}}
	engine := inspect.Problem{Op: "ask engine", Path: "unix:///x", Err: "no answer", Hint: "docker version"}
	hostile := inspect.Problem{Op: "ask engine", Err: "answered \x1b[31m\nred"}
	uncounted := inspect.Problem{Op: "read stat", Err: "permission denied", PIDs: []int{7}}
	many := inspect.Problem{Op: "read links", Err: "permission denied", Hint: "run as root", Count: 4, Total: 9, PIDs: []int{1, 7, 8, 9}}
	tests := []struct {
		problems []inspect.Problem
		want     []string
	}{
		{nil, nil},
		{[]inspect.Problem{many}, []string{"4 of 9 processes could not be read: permission denied; run as root"}},
		{[]inspect.Problem{links}, []string{"2 of 9 processes could not be read (pids 1, 7): permission denied; run as root"}},
		{[]inspect.Problem{stat, links}, []string{"3 of 9 processes could not be read (pids 1, 7, 8): permission denied; run as root"}},
		{[]inspect.Problem{engine}, []string{"cannot ask engine (unix:///x): no answer; docker version"}},
		{[]inspect.Problem{engine, many}, []string{
			"4 of 9 processes could not be read: permission denied; run as root",
			"cannot ask engine (unix:///x): no answer; docker version",
		}},
		{[]inspect.Problem{engine, hostile, uncounted}, []string{
			"cannot ask engine (unix:///x): no answer; docker version (and 2 problems more, see problems in -o json)",
		}},
		{[]inspect.Problem{engine, hostile}, []string{
			"cannot ask engine (unix:///x): no answer; docker version (and 1 problem more, see problems in -o json)",
		}},
		{[]inspect.Problem{hostile}, []string{"cannot ask engine: " + Sanitize("answered \x1b[31m\nred")}},
		{[]inspect.Problem{uncounted}, []string{"cannot read stat: permission denied"}},
	}
	for _, tt := range tests {
		if got := ProblemLines(tt.problems); !slices.Equal(got, tt.want) {
			t.Errorf("ProblemLines(%+v)\n got %q\nwant %q", tt.problems, got, tt.want)
		}
	}
}
