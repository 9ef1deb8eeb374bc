package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newHelp returns the help command. Cobra's own exits 0 for a topic that does
// not exist.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND|TOPIC]",
		Short:             "explain a command or a topic",
		ValidArgsFunction: completeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError("nsinspect help topics", "no help on %q", strings.Join(args, " "))
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// completeHelp completes to commands and topics.
func completeHelp(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []cobra.Completion
	for _, c := range found.Commands() {
		if (c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand()) && strings.HasPrefix(c.Name(), prefix) {
			words = append(words, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// newTopics returns the help topics: commands that do nothing but explain.
func newTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "topics", Short: "what there is to read", Long: topicsHelp},
		{Use: "target", Short: "what TARGET can be", Long: targetHelp},
		{Use: "output", Short: "output formats, columns, sorting, exit status", Long: outputHelp},
		{Use: "filter", Short: "the expressions of --filter", Long: filterHelp},
	}
}

const topicsHelp = `Topics, each read with nsinspect help TOPIC:

  target   what TARGET can be: a pid, a container, a namespace, a path
  output   output formats, columns, sorting, colours, exit status
  filter   the expressions of --filter

Every command explains itself with --help. What the words mean is in
namespaces(7), user_namespaces(7) and pid_namespaces(7).`

const targetHelp = `TARGET names a process, a container or a namespace, the same way everywhere:

  3037  pid:3037           a process by its pid on the host
  self                     nsinspect itself
  web1                     a container by name
  3f2a  id:3f2a            a container by the beginning of its id
  docker:web1              a container of this engine; container:web1 of any
  web  shop/web            a container by compose service, or project/service
  net:[4026532299]         a namespace as /proc/PID/ns shows it
  net:4026532299           the same, easier to type in a shell
  4026532299               a namespace by its inode alone
  blue  netns:blue         a network namespace by its name of ip-netns(8)
  /run/netns/blue          a namespace by the path where it is mounted
  /proc/7/ns/net           a namespace by a link, /proc/7/fd/9 by an open file
  /proc/7  /proc/7/task/8  a process, a thread

A name in full goes before a service, and that before a part of an id. A word
that means more than one thing is refused with status 2, and what it can mean
is listed in words that mean one thing only. Namespaces of a container are
those of its first process.

With --from FILE all of this is looked up in the snapshot: paths are not
opened, and "self" is the nsinspect that took it.

"The host" in the output is the namespaces that nsinspect itself runs in. Run
inside of a container that is the container.`

const outputHelp = `Every command that shows something takes -o FORMAT (--output):

  table                  for people; cut to the width of a terminal
  wide                   more columns
  json  yaml             all fields, for programs
  name                   words that can be given as TARGET, one a line
  go-template=TEMPLATE   a template over the JSON, as of Go's text/template;
                         {{json .x}} writes JSON

In JSON and YAML numbers are numbers. What is not known or was not looked at is
null or absent, never 0 or "". "problems" lists what could not be read, and
"format" is the version of the keys, which grows when a key changes its
meaning. Times are RFC 3339, durations nanoseconds unless the key says so.

Lists (ls, ps) also take
  --columns a,b     these columns; +a,b adds them to the usual ones
  --sort a,-b       by these columns, - descending; unknown values come last
  --filter EXPR     see nsinspect help filter
  --no-headings     no line of headings, for scripts

In tables "-" is none or not known, and "?" a number that is not known. Text
from the host that would not show as itself is escaped, as in \x1b or \u202e.

Data goes to stdout, all talk to stderr. Colours and cut lines appear on a
terminal only; --color=always|never or NO_COLOR in the environment decide.

Exit status: 0 done, 1 failed, 2 wrong usage or an ambiguous target. What could
not be read is no failure: one line on stderr says how much is missing.`

const filterHelp = `--filter EXPR keeps the rows for which EXPR is true. Its fields are the keys
of the rows in -o json, at the top level:

  nprocs == 0                       namespaces without process
  type == "net" && nprocs > 3
  type in ["pid", "net"]
  container.name startsWith "web"   also contains, endsWith, matches "^we?b"
  not host                          a field that is true or false
  uid >= 100000 || user == "nobody"
  container == nil                  not in a container, or not known
  any(id_map.uid, .outside == 100000)
  "blue" in names

Operators: == != < <= > >= + - * / % && || not in contains startsWith endsWith
matches, and a ? b : c. Functions: len lower upper trim split any all none one
filter map. Strings are quoted with " or '; put the whole in the other quotes
for the shell.

A comparison with a value that is not known is false. An unknown field, or types
that do not fit, are an error before anything is read. The language is that of
https://expr-lang.org.`
