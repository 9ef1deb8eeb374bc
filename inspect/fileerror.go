package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// FileError says why something is not a snapshot that can be read.
type FileError struct {
	Err  error // what is wrong with it
	hint string
}

// Error returns the message without a hint. It may quote the file, but never
// at length.
func (e *FileError) Error() string {
	msg := "read snapshot: " + e.Err.Error()
	if len(msg) > 300 {
		msg = strings.ToValidUTF8(msg[:300], "") + "…"
	}
	return msg
}

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

// Hint returns what the user can do next.
func (e *FileError) Hint() string { return e.hint }

const makeAnew = "make it anew with: nsinspect snapshot > host.json"

func fileError(format string, args ...any) *FileError {
	return &FileError{Err: fmt.Errorf(format, args...), hint: makeAnew}
}

// sniff refuses what can be told at a glance not to be a snapshot.
func sniff(data []byte) error {
	switch trimmed := bytes.TrimSpace(data); {
	case len(trimmed) == 0:
		return &FileError{Err: errors.New("the input is empty"), hint: "make one with: nsinspect snapshot > host.json"}
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		return &FileError{Err: errors.New("it is compressed with gzip"), hint: "unpack it first: zcat host.json.gz | nsinspect ls --from -"}
	case bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return &FileError{Err: errors.New("it is compressed with zstd"), hint: "unpack it first: zstdcat host.json.zst | nsinspect ls --from -"}
	case trimmed[0] != '{':
		return notASnapshot("it does not begin with {")
	}
	return nil
}

func notASnapshot(why string) *FileError {
	return &FileError{Err: errors.New("this is not a snapshot of nsinspect: " + why), hint: "make one with: nsinspect snapshot > host.json"}
}

// explain says of an error what it means for the file.
func (d *decoder) explain(err error) error {
	var file *FileError
	isFile := errors.As(err, &file)
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fileError("it is truncated: it ends after %d bytes", len(d.data))
	case errors.As(err, &syntax):
		return fileError("it is corrupt at byte %d: %w", syntax.Offset, err)
	case d.s.Format == 0 || !slices.Contains(d.seen, "host"):
		// The wrong sort of file, or sorted otherwise by another program: its
		// format and its sections say more than the first thing wrong in it.
		if other := d.probe(); other != nil {
			return other
		}
	}
	if isFile {
		return file
	}
	return fileError("%w", err)
}

// probe looks at the format and the names of the sections only.
func (d *decoder) probe() error {
	var head map[string]json.RawMessage
	if json.Unmarshal(d.data, &head) != nil {
		return nil
	}
	var format int
	if json.Unmarshal(head["format"], &format) == nil {
		if err := checkFormat(format); err != nil {
			return err
		}
	}
	d.seen = d.seen[:0]
	for name := range head {
		d.seen = append(d.seen, name)
	}
	return d.complete()
}
