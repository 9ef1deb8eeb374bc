package inspect

import (
	"encoding/json"
	"fmt"
	"io"
)

// Encode writes s as one line of JSON. Equal snapshots give equal bytes.
func Encode(w io.Writer, s *Snapshot) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}

// Decode reads a snapshot and checks it: what it returns is in order and
// every function of this package can take it.
func Decode(r io.Reader) (*Snapshot, error) {
	var s Snapshot
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	s.sort()
	return &s, nil
}
