package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog/transition"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/eventlog/transition/machinefile"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// checkFlags are the flags of transitions that are about a machine.
type checkFlags struct {
	file               string
	list, dot, mermaid bool
	limit              int
}

func (f *checkFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.file, "machine", "", "a YAML `file` that declares the state machine, or stdin (-)")
	flags.BoolVar(&f.list, "check", false, "list what is odd by the machine of --machine")
	flags.BoolVar(&f.dot, "dot", false, "draw the machine of --machine for Graphviz")
	flags.BoolVar(&f.mermaid, "mermaid", false, "draw the machine of --machine for Mermaid")
	flags.Var(&limit{&f.limit}, "limit", "list at most this `number` of findings; all are counted (default 10000)")
}

// check says which flags do not go together.
func (f *checkFlags) check(cmd *cobra.Command, format string) error {
	drawn := f.dot || f.mermaid
	given := cmd.Flags().Changed
	switch {
	case f.file == "" && given("machine"):
		return usagef("--machine is empty: expected the file that declares the state machine")
	case f.file == "" && (f.list || drawn):
		return usagef("--machine is missing: it names the file that declares the state machine")
	case f.file == "" && given("limit"):
		return usagef("--limit goes with --machine")
	case f.dot && f.mermaid || f.list && drawn:
		return usagef("one of --check, --dot and --mermaid, not several")
	case drawn && given("format"):
		return usagef("--format goes with a list, not with a drawing")
	case f.file == "" && format == asText:
		return usagef("--format text goes with --check")
	case f.file != "" && format == asNDJSON:
		return usagef("--format ndjson: a check prints text or json")
	}
	return nil
}

// run has the node check its transitions and prints what it found. Look is called first.
func (f *checkFlags) run(cmd *cobra.Command, ask api.CheckRequest, dir, format string, look func(*cobra.Command, *client.Client) error) error {
	var err error
	if ask.Machine, err = readMachine(cmd, f.file); err != nil {
		return err
	}
	if ask.MaxFindings = f.limit; f.dot || f.mermaid {
		ask.MaxFindings = 1 // none is shown
	}
	return reading(cmd, dir, func(c *client.Client) error {
		if err := look(cmd, c); err != nil {
			return err
		}
		report, err := c.CheckTransitions(cmd.Context(), ask)
		if err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		switch {
		case f.dot:
			return ask.Machine.DOT(out, report.Edges)
		case f.mermaid:
			return ask.Machine.Mermaid(out, report.Edges)
		case format == asJSON:
			err = printJSON(out, report)
		default:
			err = printCheck(out, report)
		}
		if err == nil && report.Odd > 0 {
			err = fmt.Errorf("check: %d of %s odd", report.Odd, count(report.Transitions, "transition"))
		}
		return err
	})
}

// readMachine reads and validates a machine.
func readMachine(cmd *cobra.Command, path string) (machine.Machine, error) {
	b, err := readInput(cmd, path, machinefile.MaxSize)
	if err != nil {
		return machine.Machine{}, fmt.Errorf("--machine: %w", err)
	}
	m, err := machinefile.Parse(b)
	if err != nil {
		return m, fmt.Errorf("--machine: %s: %w", path, errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	return m, nil
}

// printCheck prints a line for each finding, then for each contested subject, then the counts.
func printCheck(w io.Writer, r api.CheckReport) error {
	out := bufio.NewWriterSize(w, 64<<10)
	for _, f := range r.Findings {
		t := f.Transition
		fmt.Fprintf(out, "%s  %s: %s: %s", shortPlace(t.Place), printable(t.Subject), f.Class, printable(f.Why))
		if f.Expected != "" {
			fmt.Fprintf(out, "; expected %s", printable(f.Expected))
		}
		fmt.Fprintln(out)
	}
	if r.More > 0 {
		fmt.Fprintf(out, "… and %s\n", count(r.More, "more finding"))
	}
	for _, s := range r.Contested {
		fmt.Fprintf(out, "%s  %s: contested: it is in %s\n", shortPlace(s.Place), printable(s.Subject), printable(enum.OneOf(candidates(s))))
	}
	if len(r.Findings) > 0 || len(r.Contested) > 0 {
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "%s of %s: %d sound, %d odd\n", count(r.Transitions, "transition"), count(r.Subjects, "subject"), r.Sound, r.Odd)
	for _, class := range transition.Classes() {
		if n := r.Counts[string(class)]; n > 0 {
			fmt.Fprintf(out, "  %-15s %d\n", class, n)
		}
	}
	if r.Aliased > 0 {
		fmt.Fprintf(out, "%s %s a state by an alias\n", count(r.Aliased, "transition"), verbs(r.Aliased, "names", "name"))
	}
	if r.Pruned > 0 {
		fmt.Fprintf(out, "%s %s after what was pruned\n", count(r.Pruned, "transition"), verbs(r.Pruned, "comes", "come"))
	}
	if n := len(r.Contested); n > 0 {
		fmt.Fprintf(out, "contested now: %s\n", count(uint64(n), "subject"))
	}
	return out.Flush()
}
