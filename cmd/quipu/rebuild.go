package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

const rebuildHelp = `Make something that is kept beside the log anew from history, and print what came
of it:

  transitions    the stages that "quipu transition" looks into before it moves a
                 subject. State is the hash of all of them: the same on every
                 node for the same range, where no more of it is gone
  index          the index of subjects and kinds, as "quipu index rebuild"
  follower:NAME  what a program's follower has built in the log: it is dropped, and
                 the program, which may not run meanwhile, begins at the first
                 entry when it follows again. What it has done elsewhere, it
                 does again

--all makes the first two, the index first. Where one fails the others are made all
the same.

Of transitions, the range of entries is fixed when the rebuild begins: all that the
node holds, or with --to what a frontier stands for, or what was written up to a
time, by the clocks. What comes after counts as ever, once it is done. Until then
the old stages serve, and the range is kept from trims, whatever trim-max-hold
says, but no longer than a week after somebody last went on with it. Stderr says
how far it is. Ended or killed on the way, the same command goes on at the last
checkpoint, at most 10 s back, with the same range; --anew begins anew, also where
the checkpoint is of a version that this program does not know.

What --to has and the node does not hold yet, or cannot read, is waited for with
--wait, so long in all: a running daemon fetches it. What nobody has brought then
is named by place, and the same command goes on.

--status prints how far each rebuild is that is under way or has finished, those of
programs that use the library too. "quipu followers remove rebuild:NAME" drops
one that nobody goes on with, so that it does not hold back trims; that of
transitions is called "rebuild:quipu.transition" there.`

// rebuildCommand is one run of quipu rebuild.
type rebuildCommand struct {
	dir, format, to, order string
	all, status, anew      bool
	wait                   time.Duration
}

func newRebuild() *cobra.Command {
	var r rebuildCommand
	cmd := &cobra.Command{
		Use:     "rebuild --dir D NAME...|--all|--status [--to FRONTIER|TIME]",
		Short:   "Make stages, the index or a follower's state anew from history",
		Long:    rebuildHelp,
		Example: "  quipu rebuild --dir a --all\n  quipu frontier --dir b --format json > b.json\n  quipu rebuild --dir a transitions --to b.json --wait 1m\n  quipu rebuild --dir a --status",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.check(cmd, args); err != nil {
				return err
			}
			if r.all {
				args = []string{api.RebuildIndex, api.RebuildTransitions} // what may wait comes last
			}
			return r.run(cmd, args)
		},
	}
	dirFlag(cmd, &r.dir)
	f := cmd.Flags()
	f.BoolVar(&r.all, "all", false, "make all that the node makes by itself")
	f.BoolVar(&r.status, "status", false, "print how far rebuilds are")
	f.StringVar(&r.to, "to", "", "where the range ends, a `moment`: a time, a date, an age, or a file with a frontier")
	f.Var(&choice{&r.order, []string{"author", "causal"}}, "order", "in which order entries are read: author or causal; the result is the same")
	f.BoolVar(&r.anew, "anew", false, "begin anew where a rebuild is under way")
	f.Var(spanFlag{&r.wait}, "wait", "wait so long a `time` for what the node does not hold yet")
	formatFlag(cmd, &r.format, asTable, asJSON)
	return cmd
}

// check says why the command line makes no sense, or nil.
func (r *rebuildCommand) check(cmd *cobra.Command, names []string) error {
	chosen := 0
	for _, is := range []bool{r.all, r.status, len(names) > 0} {
		if is {
			chosen++
		}
	}
	ranged := r.to != "" || r.order != "" || r.anew || r.wait > 0
	switch {
	case chosen != 1:
		return usagef("expected one of: what to rebuild (%s, %s, %sNAME), --all, --status", api.RebuildTransitions, api.RebuildIndex, api.RebuildFollower)
	case r.status && ranged:
		return usagef("--status goes with no other flag")
	case cmd.Flags().Changed("to") && r.to == "":
		return usagef("--to is empty: expected a time, such as 2024-05-01T12:00:00Z, or a file")
	case r.wait > 0 && r.to == "":
		return usagef("--wait goes with --to: all that the node holds is here")
	}
	return nil
}

// run makes what the names say, one after the other. Its error is that of the first that failed.
func (r *rebuildCommand) run(cmd *cobra.Command, names []string) error {
	if r.status {
		return reading(cmd, r.dir, func(c *client.Client) error { return r.list(cmd, c) })
	}
	var to api.Moment
	if r.to != "" {
		var err error
		if to, err = clockMoment(cmd, "to", r.to); err != nil {
			return err
		}
	}
	return withNode(cmd.Context(), r.dir, func(c *client.Client) error {
		var failed error
		all := []api.Rebuilt{}
		for _, name := range names {
			done, err := r.one(cmd, c, name, to)
			if err != nil {
				if failed == nil {
					failed = err
				} else {
					fmt.Fprintf(cmd.ErrOrStderr(), "quipu: %s\n", printable(err.Error()))
				}
				continue
			}
			all = append(all, done)
			if r.format == asTable {
				if err := printRebuilt(cmd.OutOrStdout(), done); err != nil {
					return err
				}
			}
		}
		if r.format == asJSON {
			return errors.Join(printJSON(cmd.OutOrStdout(), all), failed)
		}
		return failed
	})
}

func (r *rebuildCommand) one(cmd *cobra.Command, c *client.Client, name string, to api.Moment) (api.Rebuilt, error) {
	request := api.RebuildRequest{Name: name}
	if name == api.RebuildTransitions || !r.all { // of --all the flags concern what has a range
		request.To, request.Order, request.Anew, request.Wait = to, r.order, r.anew, age.Age(r.wait)
	}
	done, err := metered(cmd, "rebuild "+name, func(told func(api.Progress)) (api.Rebuilt, error) {
		return c.Rebuild(cmd.Context(), request, told)
	})
	switch absent := errors.Is(err, api.ErrNotFound) && r.to != ""; {
	case cmd.Context().Err() != nil && err != nil, absent && r.wait > 0:
		err = fmt.Errorf("%w; the same command goes on", err)
	case absent:
		err = fmt.Errorf("%w; a running daemon fetches it: --wait waits for that", err)
	}
	return done, err
}

// printRebuilt says what came of a rebuild in a line.
func printRebuilt(w io.Writer, r api.Rebuilt) error {
	text := ""
	switch {
	case r.Index != nil:
		text = indexLine(*r.Index)
	case r.Follower != nil:
		text = fmt.Sprintf("begins anew, %s behind", count(r.Follower.Lag, "entry"))
	default:
		text = fmt.Sprintf("%s of frontier %s", count(r.Entries, "entry"), r.Frontier)
		if r.Clock > 0 {
			text += " up to clock " + r.Clock.String()
		}
		if r.Gone > 0 {
			text += fmt.Sprintf(" (%d are gone)", r.Gone)
		}
		if r.Resumed > 0 {
			text += fmt.Sprintf(" (resumed at %d)", r.Resumed)
		}
		text += fmt.Sprintf(": %s, state %s", count(uint64(r.Subjects), "subject"), r.State)
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", printable(r.Name), text)
	return err
}

// list prints how far rebuilds are.
func (r *rebuildCommand) list(cmd *cobra.Command, c *client.Client) error {
	all, err := c.Rebuilds(cmd.Context())
	if err != nil {
		return err
	}
	if r.format == asJSON {
		return printJSON(cmd.OutOrStdout(), all)
	}
	t := newTable(cmd.OutOrStdout(), []column{
		{head: "NAME", width: 12, fit: cutMiddle}, {head: "DONE", width: 8}, {head: "OF", width: 8}, {head: "GONE", optional: true}, {head: "ORDER"},
		{head: "FRONTIER", width: 16}, {head: "SAVED", width: timeWidth}, {head: "STATE"}, {head: "ERROR", fit: cutEnd, optional: true},
	})
	for _, a := range all {
		if a.Error != "" {
			if err := t.row(a.Name, "", "", "", "", "", "", "unknown", a.Error); err != nil {
				return err
			}
			continue
		}
		state, gone := "under way", ""
		if !a.Finished.IsZero() {
			state = "finished"
		} else if a.Unusable {
			state = "unusable"
		}
		if a.Gone > 0 {
			gone = fmt.Sprint(a.Gone)
		}
		if err := t.row(a.Name, fmt.Sprint(a.Done), fmt.Sprint(a.Total), gone, a.Order, a.Frontier.String()[:16], a.Saved.UTC().Format(timeLayout), state, ""); err != nil {
			return err
		}
	}
	return t.end()
}
