package container

import (
	"encoding/json"
	"testing"
)

// answered is what Docker answers, shortened.
const answered = `{"Id":"0e98597e5d26","Created":"2026-01-02T03:04:05.6Z","Path":"/bin/sleep","Args":["100000","a\"}{"],
"State":{"Status":"running","Running":true,"Pid":213,"ExitCode":0,"Error":"","Health":{"Log":[{"Pid":7}]}},
"Image":"sha256:9f","Name":"/web1","Mounts":[],"Config":{"Hostname":"x","Env":["PATH=\\"]},"NetworkSettings":{}}
`

func TestPickFound(t *testing.T) {
	f, ok := pickFound([]byte(answered))
	want := found{ID: "0e98597e5d26", Name: "/web1"}
	want.State.Status, want.State.Pid = "running", 213
	if !ok || f != want {
		t.Errorf("picked %+v, %v", f, ok)
	}
	if _, err := parseFound([]byte(answered[:len(answered)/2])); err == nil {
		t.Error("half an answer is taken for whole")
	}
}

// What is not plain is read all the same.
func TestParseFound(t *testing.T) {
	for answer, name := range map[string]string{
		`{"Id":"a","Name":"\u002fweb1"}`:     "/web1",
		`{"Id":"a","Name":"/wéb"}`:           "/wéb",
		`{"id":"a","NAME":"/web1"}`:          "/web1",
		`{"Id":"a","\u004eame":"/web1"}`:     "/web1",
		`{"Id":"a","Name":"/x","Name":"/y"}`: "/y",
		`{"Id":"a","Name":null}`:             "",
		` { "Id" : "a" , "Name" : "/b" } `:   "/b",
	} {
		f, err := parseFound([]byte(answer))
		if err != nil || f.ID != "a" || f.Name != name {
			t.Errorf("%s: %+v, %v", answer, f, err)
		}
	}
	for _, answer := range []string{``, `[]`, `{"Id":"a"`, `{"Id":"a"}x`, `{"Id":5}`, `{"Id":"a","State":{"Pid":"1"}}`} {
		if f, err := parseFound([]byte(answer)); err == nil {
			t.Errorf("%s: %+v", answer, f)
		}
	}
}

func FuzzPickFound(f *testing.F) {
	for _, s := range []string{
		answered, `{}`, `{"Id":"a","State":{"Pid":-0}}`, `{"Id":"a","State":{"Pid":1e3}}`, `{"State":null,"state":{}}`,
		`{"Id":"a" "b"}`, `{"a":{]},"Id":"b"}`, "{\"Id\":\"\x7f\",\"\xff\":1}", `{"Name":"\`, `{"Id":"x",}`, `{,}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		picked, ok := pickFound(text)
		if !ok || !json.Valid(text) {
			return
		}
		var want found
		if err := json.Unmarshal(text, &want); err != nil || picked != want {
			t.Errorf("picked %+v, encoding/json reads %+v, %v", picked, want, err)
		}
	})
}
