package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// graphviz has Graphviz' dot draw what write writes, to a file or, where that
// is "-", to stdout. The file appears when the drawing is whole.
func graphviz(ctx context.Context, format, file string, stdout io.Writer, write func(io.Writer) error) error {
	path, err := exec.LookPath("dot")
	if err != nil {
		return withHint(fmt.Errorf("cannot draw %s: Graphviz' dot is not installed", strings.ToUpper(format)),
			"apt-get install graphviz, or: nsinspect graph --dot > wiring.dot")
	}
	var in, out, talk bytes.Buffer
	if err := write(&in); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, "-T"+format)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &talk
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("dot -T%s: %w: %s", format, err, strings.TrimSpace(talk.String()))
	}
	if file == "-" {
		_, err = stdout.Write(out.Bytes())
		return err
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		return withHint(err, "nsinspect graph --%s - > FILE", format)
	}
	return nil
}
