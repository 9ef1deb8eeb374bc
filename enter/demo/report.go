package demo

import "slices"

// Report is what an experiment showed.
type Report struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Without bool   `json:"without"` // the control: the same without what isolates
	// As says with what rights it ran: "root", or "uid 1000, in a new user
	// namespace".
	As    string  `json:"as"`
	Steps []Step  `json:"steps"`
	Check []Check `json:"checks"`
	// Property is what the experiment is about: "isolated" or "connected".
	Property string `json:"property"`
	Verdict  bool   `json:"verdict"` // the property holds in each check
	// Expected reports whether it came as it should: with all checks hold, in
	// the control none does.
	Expected bool     `json:"expected"`
	Notes    []string `json:"notes"`
	Kept     *Kept    `json:"kept,omitempty"` // what --keep left
	Format   int      `json:"format"`
}

// Step is one thing that was done, and what was seen then.
type Step struct {
	N     int      `json:"n"` // from 1
	Title string   `json:"title"`
	Call  string   `json:"call,omitempty"` // the system calls with their flags
	Same  []string `json:"same,omitempty"` // command lines that do the same
	Plan  []string `json:"plan,omitempty"` // the steps of package enter, in words
	Seen  []Fact   `json:"seen"`
	Table *Table   `json:"table,omitempty"`
	View  string   `json:"view,omitempty"` // what nsinspect show or graph says, several lines
}

// Fact is what one side sees.
type Fact struct {
	Where string `json:"where"` // who sees it: inside, outside, this host, c1
	What  string `json:"what"`
	Value string `json:"value"`
}

// Table is something of several columns.
type Table struct {
	Head []string   `json:"head"`
	Rows [][]string `json:"rows"`
}

// Check compares what the two sides see. Holds says that it speaks for the
// property of the experiment.
type Check struct {
	What    string `json:"what"`
	Inside  string `json:"inside"`
	Outside string `json:"outside"`
	Holds   bool   `json:"holds"`
}

// Kept is what was left running, for the user to look at.
type Kept struct {
	PIDs  []int    `json:"pids"`
	Names []string `json:"names"` // of the processes, as PIDs
}

// The properties.
const (
	isolated  = "isolated"
	connected = "connected"
)

// Text returns the property as the verdict has it.
func (r *Report) Text() string {
	if r.Verdict {
		return r.Property + " ✓"
	}
	return "NOT " + r.Property + " ✗"
}

// conclude computes the verdict from the checks.
func (r *Report) conclude() {
	fails := func(c Check) bool { return !c.Holds }
	r.Verdict = len(r.Check) > 0 && !slices.ContainsFunc(r.Check, fails)
	r.Expected = r.Verdict
	if r.Without {
		r.Expected = len(r.Check) > 0 && !slices.ContainsFunc(r.Check, func(c Check) bool { return c.Holds })
	}
}
