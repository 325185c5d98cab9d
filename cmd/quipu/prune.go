package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

const pruneHelp = `Give every node leave to forget the beginning of this node's own feed: what is
below a seq, what was written before a time, or all but the last N entries. Whole
ops are forgotten, so that a few entries more may stay.

The leave is signed and goes to every node with the entries themselves, in an
entry of kind quipu.prune. Nobody can take it back. Newcomers begin with what is
left. The command says what it is about to do and asks; where nobody can be asked
it needs --yes. It names subjects whose last transition would go.

Nothing is dropped at once: that is done by the next trim, here and elsewhere,
when no follower needs it any more, unless a node is told to keep it
(keep-pruned). --trim makes a trim here at once.

` + timeHelp + `

The exit code is 3 when there is nothing to prune.`

// pruneCommand is one run of quipu prune.
type pruneCommand struct {
	dir, format string
	below       *uint64
	keep        *uint64
	request     api.PruneRequest
	yes, trim   bool
}

func newPrune() *cobra.Command {
	var p pruneCommand
	cmd := &cobra.Command{
		Use:     "prune --dir D --below SEQ | --before TIME | --keep N [--reason TEXT] [--yes] [--trim]",
		Short:   "Have all nodes forget the beginning of this node's feed",
		Long:    pruneHelp,
		Example: "  quipu prune --dir a --before 365d --reason 'kept for a year'\n  quipu prune --dir a --keep 100000 --yes --trim",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.run(cmd) },
	}
	dirFlag(cmd, &p.dir)
	f := cmd.Flags()
	f.Var(countFlag{&p.below}, "below", "forget what is below this seq")
	f.Var(timeFlag{&p.request.Before.Time}, "before", "forget what was written before this `time`: RFC 3339, a date or an age, such as 90d")
	f.Var(countFlag{&p.keep}, "keep", "forget all but the last entries, this many")
	f.StringVar(&p.request.Reason, "reason", "", "a `text` for whoever reads the entry that says so")
	f.BoolVar(&p.yes, "yes", false, "do not ask")
	f.BoolVar(&p.trim, "trim", false, "trim this node's log at once")
	formatFlag(cmd, &p.format, asTable, asJSON)
	return cmd
}

func (p *pruneCommand) run(cmd *cobra.Command) error {
	if err := p.read(cmd); err != nil {
		return err
	}
	plan, author, err := p.plan(cmd)
	if err != nil {
		return err
	}
	warnf(cmd, "every node may forget %s of %s, %d to %d, for good: nobody can take it back",
		count(plan.Entries, "entry"), author, plan.Floor-plan.Entries, plan.Floor-1)
	if plan.Moved > 0 {
		warnf(cmd, "%s", movedNote(plan))
	}
	if !p.yes {
		if err := confirm(cmd, "Prune them?", "not pruned"); err != nil {
			return err
		}
	}
	// What was said is what is done, whatever was appended since.
	request := api.PruneRequest{Below: plan.Floor, Reason: p.request.Reason}
	return withNode(cmd.Context(), p.dir, func(c *client.Client) error {
		done := pruneResult{}
		if done.Pruned, err = c.Prune(cmd.Context(), request); err != nil {
			return err
		}
		if p.trim {
			report, err := c.Trim(cmd.Context(), api.TrimRequest{})
			if err != nil {
				return fmt.Errorf("pruned below %d, but: %w", done.Floor, err)
			}
			done.Trim = &report
		}
		return p.print(cmd, done)
	})
}

// movedNote says of which subjects a prune would take the last transition.
func movedNote(plan api.Pruned) string {
	names := make([]string, len(plan.Subjects))
	for i, s := range plan.Subjects {
		names[i] = clip.To(s, 40)
	}
	if more := plan.Moved - uint64(len(names)); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s %s the last transition there: quipu state will then say nothing of them, or an earlier stage: %s",
		count(plan.Moved, "subject"), verbs(plan.Moved, "has", "have"), strings.Join(names, ", "))
}

// read checks what is to be forgotten.
func (p *pruneCommand) read(cmd *cobra.Command) error {
	given := 0
	for _, name := range []string{"below", "before", "keep"} {
		if cmd.Flags().Changed(name) {
			given++
		}
	}
	if given != 1 {
		return usagef("expected one of --below, --before and --keep, got %d", given)
	}
	for name, n := range map[string]*uint64{"below": p.below, "keep": p.keep} {
		if n != nil && *n == 0 {
			return usagef("--%s 0: expected 1 or more", name)
		}
	}
	if p.below != nil {
		p.request.Below = *p.below
	}
	if p.keep != nil {
		p.request.Keep = *p.keep
	}
	return nil
}

// plan returns what would be pruned. The log is not held while somebody thinks about it.
func (p *pruneCommand) plan(cmd *cobra.Command) (plan api.Pruned, author crdt.Author, err error) {
	request := p.request
	request.Plan = true
	err = previewing(cmd, p.dir, func(c *client.Client) error {
		status, err := c.Status(cmd.Context())
		if err != nil {
			return err
		}
		author = status.Author
		plan, err = c.Prune(cmd.Context(), request)
		return err
	})
	return plan, author, err
}

// confirm asks for leave on a terminal. The error for any answer but yes begins with not.
func confirm(cmd *cobra.Command, question, not string) error {
	file, ok := cmd.InOrStdin().(*os.File)
	if !ok || !isTerminal(file) {
		return usagef("nobody can be asked, since stdin is no terminal: give --yes")
	}
	fmt.Fprint(cmd.ErrOrStderr(), question+" Type yes: ")
	answer, err := bufio.NewReader(interruptible(cmd.Context(), file)).ReadString('\n')
	if err != nil {
		return usagef("nobody has answered: give --yes")
	}
	if strings.TrimSpace(answer) != "yes" {
		return fmt.Errorf("%s: the answer was %q", not, strings.TrimSpace(clip.To(answer, 40)))
	}
	return nil
}

// pruneResult is what quipu prune prints in JSON.
type pruneResult struct {
	api.Pruned
	Trim *api.TrimReport `json:"trim,omitempty"`
}

func (p *pruneCommand) print(cmd *cobra.Command, done pruneResult) error {
	out := cmd.OutOrStdout()
	if p.format == asJSON {
		return printJSON(out, done)
	}
	var f facts
	f.line("floor", "%d: %s below it may be forgotten", done.Floor, count(done.Entries, "entry"))
	f.line("place", "%s", done.Place)
	if done.Trim == nil {
		f.line("dropped", "by the next trim, here and elsewhere: quipu trim makes one here")
	}
	if err := f.print(out); err != nil || done.Trim == nil {
		return err
	}
	return printTrim(out, *done.Trim)
}
