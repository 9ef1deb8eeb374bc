package render

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"nsinspect/inspect"
)

type filterRow struct {
	NS        uint64           `json:"ns"`
	Type      inspect.Type     `json:"type"`
	NProcs    *int             `json:"nprocs"`
	PID       *int             `json:"pid"`
	Command   *string          `json:"command"`
	Container *filterContainer `json:"container"`
	Names     []string         `json:"names,omitempty"`
	Host      *bool            `json:"host"`
	Inner     int              `json:"-"`
}

type filterContainer struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

func filterRows() []filterRow {
	one, seven, sleep, yes, no := 1, 7, "sleep", true, false
	web := &filterContainer{"web1", []string{"x"}}
	return []filterRow{
		{NS: 1, Type: inspect.Net, NProcs: &seven, PID: &one, Command: &sleep, Host: &yes},
		{NS: 2, Type: inspect.Net, NProcs: &one, PID: &seven, Container: web, Names: []string{"blue"}, Host: &no},
		{NS: 3, Type: inspect.Mnt},
	}
}

func TestFilter(t *testing.T) {
	for text, want := range map[string][]uint64{
		`type == "net"`:                              {1, 2},
		`type == "net" && nprocs > 3`:                {1},
		`nprocs < 3`:                                 {2},
		`nprocs + 1 < 3`:                             {2},
		`-nprocs < 0`:                                {1, 2},
		`not (nprocs < 3)`:                           {1, 3},
		`nprocs > 3 || type == "mnt"`:                {1, 3},
		`pid == nil`:                                 {3},
		`pid != nil`:                                 {1, 2},
		`pid > 3`:                                    {2},
		`ns in [1, 3]`:                               {1, 3},
		`ns == 2`:                                    {2},
		`command contains "lee"`:                     {1},
		`command startsWith "s" || ns == 3`:          {1, 3},
		`command matches "^s.*p$"`:                   {1},
		`command == "sleep"`:                         {1},
		`command != "sleep"`:                         {2, 3},
		`nprocs != 7`:                                {2, 3},
		`nprocs == pid`:                              {},
		`host`:                                       {1},
		`not host`:                                   {2},
		`!host`:                                      {2},
		`host || ns > 1`:                             {1, 2, 3},
		`host and true`:                              {1},
		`host ? ns == 1 : ns == 3`:                   {1, 3},
		`host == false`:                              {2},
		`host == nil`:                                {3},
		`not (host == nil)`:                          {1, 2},
		`lower(command) == "sleep"`:                  {1},
		`upper(container.name) == "WEB1"`:            {2},
		`len(container.name) == 4`:                   {2},
		`any(container.tags, # == "x")`:              {2},
		`all(container.tags, # == "x")`:              {1, 2, 3},
		`"x" in container.tags`:                      {2},
		`container == nil`:                           {1, 3},
		`container.name == "web1"`:                   {2},
		`container.name startsWith "web"`:            {2},
		`container?.name endsWith "1"`:               {2},
		`"blue" in names`:                            {2},
		`any(names, # contains "lu")`:                {2},
		`len(names) > 0`:                             {2},
		`type in ["mnt", "pid"] or upper(type)=="X"`: {3},
	} {
		f, err := NewFilter[filterRow](text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		rows, err := f.Keep(filterRows())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := []uint64{}
		for _, r := range rows {
			got = append(got, r.NS)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: kept %v, want %v", text, got, want)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for text, want := range map[string]string{
		`typ == "net"`:       "unknown name typ\ntyp == \"net\"\n^\nfields: command, container, host, names, nprocs, ns, pid, type",
		`type = "net"`:       "unexpected token Operator(\"=\")\ntype = \"net\"\n     ^",
		`type == 3`:          "invalid operation: == (mismatched types string and int)\ntype == 3\n     ^",
		`nprocs > "3"`:       "invalid operation: > (mismatched types int and string)\nnprocs > \"3\"\n       ^",
		`nprocs`:             "expected bool, but got int",
		`container.nam == 3`: "unknown field nam\ncontainer.nam == 3\n          ^",
		`Inner == 1`:         "unknown name Inner",
		``:                   "the expression is empty",
	} {
		_, err := NewFilter[filterRow](text)
		var e *FilterError
		if !errors.As(err, &e) {
			t.Errorf("%s: no FilterError: %v", text, err)
			continue
		}
		got := strings.Join(append([]string{e.Message}, e.Detail()...), "\n")
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", text, got, want)
		}
	}
}

// FuzzFilter holds that any expression is either refused, in words fit for a
// terminal, or gives some of the rows in their order.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`type == "net" && nprocs > 3`, `not host`, `container.name startsWith "web"`, `any(names, # == "x")`,
		`pid in 1..5`, `typ = 1`, "\"\x1b", `len(split(command, "e")) > 1`, `host ? pid : nprocs`, `(((`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := NewFilter[filterRow](text)
		if err != nil {
			var e *FilterError
			if !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			for _, line := range e.Detail() {
				if Sanitize(line) != line {
					t.Errorf("%+q is not fit for a terminal", line)
				}
			}
			return
		}
		rows, err := filter.Keep(filterRows())
		if err != nil {
			return
		}
		last := uint64(0)
		for _, r := range rows {
			if r.NS <= last || r.NS > 3 {
				t.Errorf("%q made up or moved row %d", text, r.NS)
			}
			last = r.NS
		}
	})
}
