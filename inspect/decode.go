package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// MaxSize is the largest file that [Decode] reads, in bytes. 20,000 processes
// with all facts take about a fifth of it.
const MaxSize = 128 << 20

// Decode reads a snapshot and checks it as a file of unknown origin: what it
// returns is in order, its numbers are in range, no id occurs twice, and every
// function of this package can take it. References to what the snapshot does
// not describe are allowed. The error is a [*FileError].
//
// Facts that this version does not know are left out, and a Problem of the
// snapshot says so. A newer format is refused.
func Decode(r io.Reader) (*Snapshot, error) { return decode(r, MaxSize) }

func decode(r io.Reader, limit int64) (*Snapshot, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, &FileError{Err: err}
	}
	if int64(len(data)) > limit {
		return nil, fileError("it is larger than %d MiB", limit>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if err := sniff(data); err != nil {
		return nil, err
	}
	weight, err := weigh(data, reflect.TypeFor[Snapshot]())
	if err != nil {
		return nil, fileError("%w", err)
	}
	if weight > maxWeight {
		return nil, fileError("its facts would take more than %d MiB of memory", maxWeight>>20)
	}
	d := newDecoder(data)
	if err := d.snapshot(); err != nil {
		return nil, d.explain(err)
	}
	s := &d.s
	d.reportUnknown()
	s.Host.Taken = s.Host.Taken.UTC()
	s.sort()
	if err := s.check(); err != nil {
		return nil, d.explain(err)
	}
	return s, nil
}

// decoder reads a file section by section and each list element by element.
type decoder struct {
	data    []byte
	json    *json.Decoder
	s       Snapshot
	seen    []string // names of the sections that were read
	unknown []string // what this version has no place for
	lost    int      // how often
}

func newDecoder(data []byte) *decoder {
	d := &decoder{data: data, json: json.NewDecoder(bytes.NewReader(data))}
	d.json.DisallowUnknownFields()
	return d
}

func (d *decoder) snapshot() error {
	if _, err := d.json.Token(); err != nil { // the opening brace, see sniff
		return err
	}
	known := sections()
	for d.json.More() {
		name, err := d.name()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(known, func(s section) bool { return s.name == name })
		if i < 0 {
			err = d.skip(name)
		} else {
			err = d.section(name, reflect.ValueOf(&d.s).Elem().Field(known[i].index))
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.json.Token(); err != nil {
		return err
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return fileError("something follows after its end at byte %d", d.json.InputOffset())
	}
	return d.complete()
}

// name reads the name of a section.
func (d *decoder) name() (string, error) {
	token, err := d.json.Token()
	if err != nil {
		return "", err
	}
	name := token.(string) // encoding/json returns nothing else for a name
	if slices.Contains(d.seen, name) {
		return "", fileError("%q occurs twice", name)
	}
	d.seen = append(d.seen, name)
	return name, nil
}

// complete refuses an object that lacks what every snapshot has.
func (d *decoder) complete() error {
	for _, name := range []string{"format", "scope", "host", "namespaces", "processes"} {
		if !slices.Contains(d.seen, name) {
			return notASnapshot("it has no " + name)
		}
	}
	return nil
}

func (d *decoder) section(name string, v reflect.Value) error {
	var err error
	if v.Kind() == reflect.Slice {
		err = d.list(name, v)
	} else {
		err = d.value(name, v)
	}
	if err == nil && name == "format" {
		err = checkFormat(d.s.Format)
	}
	return err
}

func checkFormat(format int) error {
	switch {
	case format > Format:
		return &FileError{Err: fmt.Errorf("snapshot format %d is newer than this nsinspect reads (%d); update nsinspect", format, Format)}
	case format < 1:
		return notASnapshot(fmt.Sprintf("its format is %d", format))
	}
	return nil
}

func (d *decoder) list(name string, v reflect.Value) error {
	token, err := d.json.Token()
	if err != nil {
		return err
	}
	if token == nil { // null
		return nil
	}
	if token != json.Delim('[') {
		return fileError("%s is not a list", name)
	}
	for i := 0; d.json.More(); i++ {
		elem := reflect.New(v.Type().Elem())
		if err := d.value(fmt.Sprintf("%s[%d]", name, i), elem.Elem()); err != nil {
			return err
		}
		v.Set(reflect.Append(v, elem.Elem()))
	}
	_, err = d.json.Token()
	return err
}

// value reads one value. When it has a field that is not known it is read
// again without regard to those, to find what else may be wrong with it.
func (d *decoder) value(where string, v reflect.Value) error {
	start := d.json.InputOffset()
	err := d.json.Decode(v.Addr().Interface())
	var syntax *json.SyntaxError
	if err == nil || errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return err
	}
	text := bytes.TrimLeft(d.data[start:d.json.InputOffset()], " \t\r\n,:")
	v.SetZero()
	if again := json.Unmarshal(text, v.Addr().Interface()); again != nil {
		return fileError("%s: %w", where, again)
	}
	section, _, _ := strings.Cut(where, "[")
	d.note(section + ": " + strings.TrimPrefix(err.Error(), "json: unknown "))
	return nil
}

// skip reads a section that is not known.
func (d *decoder) skip(name string) error {
	d.note(fmt.Sprintf("section %q", name))
	var ignored json.RawMessage
	return d.json.Decode(&ignored)
}

// note remembers the first few things that are not known.
func (d *decoder) note(what string) {
	d.lost++
	if len(d.unknown) < 8 && !slices.Contains(d.unknown, what) {
		d.unknown = append(d.unknown, what)
	}
}

// knownFacts takes out of a scope what this version does not know: what was
// read by such names is left out too.
func (d *decoder) knownFacts(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		unknown := !slices.Contains(factNames[:], name)
		if unknown {
			d.note(fmt.Sprintf("fact %q", name))
		}
		return unknown
	})
}

// reportUnknown makes what was left out a Problem of the snapshot.
func (d *decoder) reportUnknown() {
	d.s.Scope.Facts = d.knownFacts(d.s.Scope.Facts)
	for i := range d.s.Networks {
		d.s.Networks[i].Facts = d.knownFacts(d.s.Networks[i].Facts)
	}
	if d.lost == 0 {
		return
	}
	d.s.Problems = append(d.s.Problems, Problem{
		Op:   "read snapshot",
		Err:  "facts that this nsinspect does not know are left out: " + strings.Join(d.unknown, ", "),
		Hint: "update nsinspect", Count: d.lost,
	})
}
