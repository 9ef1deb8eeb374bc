package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nsinspect/inspect"
	"nsinspect/render"
)

// completeLimit is the time that completing a target takes at most: somebody
// waits with a finger on the key.
const completeLimit = 500 * time.Millisecond

// targetFacts are what the words for targets and their descriptions say.
const targetFacts = inspect.FactTasks | inspect.FactLeads | inspect.FactContainers | inspect.FactNames

// completeTarget completes a TARGET to the containers, namespaces and
// processes of the host or file that s reads. What goes wrong is not worth a
// word there: then nothing is offered.
func (s *source) completeTarget(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completeLimit)
	defer cancel()
	if s.from == "-" {
		return nil, cobra.ShellCompDirectiveNoFileComp // stdin is the shell's
	}
	n := need{also: targetFacts}
	if digits := strings.TrimPrefix(prefix, "pid:"); digits != "" && digits[0] >= '1' && digits[0] <= '9' {
		n.also |= inspect.FactProcesses
		n.focus = func(x *inspect.Index) []int { return pidsLike(x, digits) }
	}
	x, err := s.index(ctx, n)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	if strings.HasPrefix(prefix, "/") {
		directive = cobra.ShellCompDirectiveDefault // a path is a target too
	}
	var words []cobra.Completion
	for _, w := range x.Words(prefix) {
		if render.Sanitize(w.Text) == w.Text { // else it cannot be typed
			words = append(words, cobra.CompletionWithDesc(w.Text, render.Sanitize(w.Description)))
		}
	}
	return words, directive
}

// pidsLike returns the pids that begin with these digits.
func pidsLike(x *inspect.Index, digits string) []int {
	pids := []int{}
	for _, p := range x.Snapshot().Processes {
		if strings.HasPrefix(strconv.Itoa(p.PID), digits) {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

// completeTargets is completeTarget for commands with up to most arguments.
func (s *source) completeTargets(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return s.completeTarget(cmd, args, prefix)
	}
}

// completeFlag has the flag complete to words that are known when it is asked
// for. It panics for a flag that does not exist.
func completeFlag(cmd *cobra.Command, flag string, words func() []cobra.Completion) {
	complete(cmd, flag, func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return words(), cobra.ShellCompDirectiveNoFileComp
	})
}

// completeListFlag is completeFlag for flags whose value is a list with commas.
func completeListFlag(cmd *cobra.Command, flag string, words func() []cobra.Completion) {
	complete(cmd, flag, func(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return lastOfList(prefix, words()), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// lastOfList completes the last element of a list; a sign that may stand
// before an element stays.
func lastOfList(prefix string, words []cobra.Completion) []cobra.Completion {
	cut := strings.LastIndexByte(prefix, ',') + 1
	before, last := prefix[:cut], prefix[cut:]
	if last != "" && strings.ContainsRune("+-", rune(last[0])) {
		before, last = before+last[:1], last[1:]
	}
	used := strings.Split(strings.ToLower(strings.NewReplacer("+", "", "-", "").Replace(before)), ",")
	var found []cobra.Completion
	for _, w := range words {
		name, _, _ := strings.Cut(w, "\t")
		if strings.HasPrefix(name, strings.ToLower(last)) && !slices.Contains(used, name) {
			found = append(found, before+w)
		}
	}
	return found
}

// typeWords are the kinds of namespaces.
func typeWords() []cobra.Completion {
	words := make([]cobra.Completion, len(inspect.Types))
	for i, t := range inspect.Types {
		words[i] = t.String()
	}
	return words
}

// columnWords are the names of columns, as users type them.
func columnWords[R any](columns func() render.Columns[R]) func() []cobra.Completion {
	return func() []cobra.Completion {
		var words []cobra.Completion
		for _, c := range columns() {
			words = append(words, cobra.CompletionWithDesc(strings.ToLower(c.Name), c.Help))
		}
		return words
	}
}

// offerColumns completes --columns and --sort, and lists the columns in the
// help of cmd.
func offerColumns[R any](cmd *cobra.Command, columns func() render.Columns[R]) {
	completeListFlag(cmd, "columns", columnWords(columns))
	completeListFlag(cmd, "sort", columnWords(columns))
	cmd.SetHelpFunc(func(c *cobra.Command, args []string) {
		c.Long += "\n\nColumns (* in the table, + when it is wide):\n" + columns().Describe()
		c.Root().HelpFunc()(c, args)
	})
}

// formatWords are the output formats of kinds.
func formatWords(kinds []render.Kind) func() []cobra.Completion {
	return func() []cobra.Completion {
		words := make([]cobra.Completion, len(kinds))
		for i, k := range kinds {
			words[i] = string(k)
			if k == render.FormatTemplate {
				words[i] += "="
			}
		}
		return words
	}
}

// fixedWords are always the same.
func fixedWords(words ...string) func() []cobra.Completion {
	return func() []cobra.Completion { return words }
}
