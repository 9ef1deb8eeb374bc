//go:build man

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// main writes the manual pages to the directory that is its argument: one of
// section 1 for each command, one of section 7 for each topic. With the tag man
// this is the program, so that the real one has nothing of it:
//
//	go run -tags man ./cmd/nsinspect DIR
func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run -tags man ./cmd/nsinspect DIR")
		os.Exit(exitUsage)
	}
	if err := writeManual(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "nsinspect: error: %v\n", err)
		os.Exit(exitFailed)
	}
}

func writeManual(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root := newRoot(&app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard})
	return writePages(root, dir)
}

// writePages writes the page of a command and of all below it.
func writePages(cmd *cobra.Command, dir string) error {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
			if err := writePages(c, dir); err != nil {
				return err
			}
		}
	}
	section := "1"
	if cmd.IsAdditionalHelpTopicCommand() {
		section = "7"
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	cmd.InitDefaultHelpFlag()
	cmd.DisableAutoGenTag = true
	cmd.Long = markdown(cmd.Long)
	var page bytes.Buffer
	// A fixed date keeps the pages the same from build to build.
	date := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	header := &doc.GenManHeader{
		Title: strings.ToUpper(name), Section: section, Source: "nsinspect", Manual: "Nsinspect Manual", Date: &date,
	}
	if err := doc.GenMan(cmd, header, &page); err != nil {
		return err
	}
	text := page.String()
	if section == "7" {
		text = topicPage(text)
	}
	if cmd.Parent() == nil {
		text = strings.Replace(text, ".SH SEE ALSO", exitStatusSection+".SH SEE ALSO", 1)
		for _, t := range newTopics() {
			text = strings.TrimRight(text, "\n") + ", \\fBnsinspect-" + t.Name() + "(7)\\fP\n"
		}
	}
	return os.WriteFile(filepath.Join(dir, name+"."+section), []byte(text), 0o644)
}

// exitStatusSection is in nsinspect(1).
const exitStatusSection = `.SH EXIT STATUS
0 done, 1 failed, 2 wrong usage or an ambiguous target. What could not be read is
no failure: one line on standard error says how much is missing.


`

// topicPage takes off the page of a topic what only a command has.
func topicPage(text string) string {
	before, rest, _ := strings.Cut(text, ".SH SYNOPSIS")
	_, rest, _ = strings.Cut(rest, ".SH DESCRIPTION")
	rest, _, _ = strings.Cut(rest, ".SH OPTIONS")
	return before + ".SH DESCRIPTION" + rest + ".SH SEE ALSO\n\\fBnsinspect(1)\\fP\n"
}

// markdown makes of a help text what the page writer takes: indented lines are
// shown as they are, and nothing else has a meaning beyond its words.
func markdown(text string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(text) {
		indented := strings.HasPrefix(line, "  ")
		if indented != code {
			b.WriteByte('\n')
		}
		code = indented
		if indented {
			b.WriteString("    " + line)
		} else {
			b.WriteString(strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "[", `\[`, "`", "\\`").Replace(line))
		}
	}
	return b.String()
}
