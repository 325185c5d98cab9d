package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

const recoverHelp = `Say how a node goes on that may not know the end of its own feed.

A number must not be given twice. So a node appends nothing when its folder may be
older than what it has written before, and says which it is: "older" (entries of
its own came back from other nodes), "copied" (the files are not those that it
wrote to: a backup, a copy), "rolled back" (they were overwritten with an older
state), "backup" (the folder was restored from a backup), "key" (the key has been
used before), "head" (the end of its feed cannot be read). It goes on replicating
and serving all else.

A running daemon then asks every member that it or another node has heard of in
the last 30 days, and fetches what there is of its feed. When all were asked it
goes on by itself, which an entry of kind quipu.recover puts on record. "quipu
status" says how far it is, who is missing and since when.

This command says so too, and waits 5 s for the end. Where a member is missing
that does not come back:

  --without NAME   goes on without it, once all others were asked: a name, the
                   first digits of an author, or a place to join that does not
                   answer; it may be given several times
  --alone          goes on without all that are not linked now. Without a daemon
                   nobody is asked, and it goes on where the feed ends here

"recover-after: 1h" in quipu.yaml, or start's --recover-after, goes on without
those of whom this node itself hears nothing for so long, but never beside another
process with its key. If somebody who was left out holds
more of the feed after all, it forks when the two meet: nothing is lost, and
nothing is appended any more with this key.

Where the original runs, or a copy of it, a copy stays stopped. It can have a key
of its own:

  --new-key        makes the stopped node in D another author's. The old feed stays
                   here as it is, and the old key is kept beside the new one. The
                   way on for a node whose feed has forked, too

Each says first what is known, and asks for leave; --yes gives it. The exit code is
3 when there is nothing to recover from, or nobody of that name is missing.`

// recoverCommand is one run of quipu recover.
type recoverCommand struct {
	dir, format        string
	without            []string
	yes, alone, newKey bool
}

func newRecover() *cobra.Command {
	var r recoverCommand
	cmd := &cobra.Command{
		Use:     "recover --dir D [--without NAME]... [--alone] [--new-key] [--yes]",
		Short:   "Say how a node goes on whose folder was restored or copied",
		Long:    recoverHelp,
		Example: "  quipu recover --dir a\n  quipu recover --dir a --without delta\n  quipu recover --dir copy --new-key",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case r.newKey && (r.alone || len(r.without) > 0):
				return usagef("--new-key begins another feed: it goes neither with --alone nor with --without")
			case r.alone && len(r.without) > 0:
				return usagef("--alone goes on without all that are not linked: it does not go with --without")
			case r.newKey:
				return r.rekey(cmd)
			}
			return r.run(cmd)
		},
	}
	dirFlag(cmd, &r.dir)
	f := cmd.Flags()
	f.StringArrayVar(&r.without, "without", nil, "go on without this member that is missing, a `name` (repeat it for several)")
	f.BoolVar(&r.alone, "alone", false, "go on without all members that are not linked")
	f.BoolVar(&r.newKey, "new-key", false, "give the stopped node in D a key of its own")
	f.BoolVar(&r.yes, "yes", false, "do not ask")
	formatFlag(cmd, &r.format, asTable, asJSON)
	return cmd
}

func (r *recoverCommand) run(cmd *cobra.Command) error {
	order := api.RecoverRequest{Plan: true}
	var plan, done api.Recovered
	// The log is not held while somebody thinks about it.
	err := previewing(cmd, r.dir, func(c *client.Client) (err error) {
		plan, err = c.Recover(cmd.Context(), order)
		return err
	})
	if err != nil {
		return err
	}
	if plan.Recovering == nil { // it has gone on while it was asked
		return r.print(cmd, plan)
	}
	if err := explainRecovery(cmd.ErrOrStderr(), plan.Recovering); err != nil {
		return err
	}
	if order, err = r.word(plan.Recovering); err != nil {
		return err
	}
	if question := r.question(order, plan.Recovering); question != "" && !r.yes {
		if err := confirm(cmd, question, "not recovered"); err != nil {
			return err
		}
	}
	err = withNode(cmd.Context(), r.dir, func(c *client.Client) (err error) {
		done, err = c.Recover(cmd.Context(), order)
		return err
	})
	if err != nil {
		return err
	}
	// Only those asked may know what some are called.
	for _, left := range slices.Concat(plan.Recovering.Missing, plan.Recovering.Without) {
		for _, all := range [][]api.Named{done.Missing, done.Without} {
			if i := slices.IndexFunc(all, func(n api.Named) bool { return n.Author == left.Author }); i >= 0 {
				all[i] = left.Named
			}
		}
	}
	return r.print(cmd, done)
}

// word returns what the flags say, of those who are missing.
func (r *recoverCommand) word(known *api.Recovery) (order api.RecoverRequest, err error) {
	switch {
	case known.Copy != "":
		return order, &api.Error{Code: api.SecondWriter, Message: known.Copy + "; " + known.Remedy()}
	case !known.Asking && !r.alone:
		return order, &api.Error{Code: api.NotRunning, Message: fmt.Sprintf(
			"no daemon runs in %s, and only a running one can ask the members: \"quipu start --dir %[1]s\" runs one, which goes on by itself; where no other node of the log is left, give --alone", r.dir)}
	}
	order.Alone = r.alone
	for _, name := range r.without {
		fits := slices.DeleteFunc(slices.Concat(known.Missing, known.Without), func(a api.Absent) bool { return !isCalled(a, name) })
		switch {
		case len(fits) == 0:
			return order, known.NotMissing(name)
		case len(fits) > 1:
			return order, usagef("--without %s fits %s: give more digits of its author", quoted(clip.Text(name)), clip.List(fits, mostNames, api.Absent.String))
		case fits[0].Author.IsZero():
			order.Addrs = append(order.Addrs, fits[0].Addr)
		default:
			order.Without = append(order.Without, fits[0].Author)
		}
	}
	return order, nil
}

// isCalled reports whether text names somebody who is missing: by name, the first digits of the author, or the address
// of a place.
func isCalled(a api.Absent, text string) bool {
	if a.Author.IsZero() {
		return a.Addr == text
	}
	return isTyped(text, a.Author, a.Name)
}

// question returns what somebody is asked who has decided something, "" where nothing was decided.
func (r *recoverCommand) question(order api.RecoverRequest, known *api.Recovery) string {
	switch {
	case order.Alone:
		return "Go on without all that were not asked?"
	case len(r.without) > 0:
		return "Go on without " + printable(strings.Join(r.without, ", ")) + "?"
	}
	return ""
}

// explainRecovery says what is known before anything is decided.
func explainRecovery(w io.Writer, known *api.Recovery) error {
	var f facts
	f.line("why", "%s: %s", known.Why, known.Text)
	if known.Detail != "" {
		f.line("found", "%s", known.Detail)
	}
	if !known.Since.IsZero() {
		f.line("since", "%s", known.Since.Format(time.RFC3339))
	}
	f.line("ended", "%s was its last entry here", lastOf(known.Author, known.From))
	came := lastOf(known.Author, &known.End) + " is by now"
	if known.Came > 0 {
		came += fmt.Sprintf("; %s came from %s", count(known.Came, "entry"), namesOf(known.Sources))
	}
	f.line("ends", "%s", came)
	if known.Claimed > known.End.Next {
		f.line("claimed", "%d entries of its own", known.Claimed)
	}
	if known.Asking {
		f.line("asked", "%s", namesOf(known.Asked))
	}
	for _, c := range known.Unproven {
		f.line("unproven", "%s", c)
	}
	for _, a := range known.Without {
		f.line("without", "%s", a)
	}
	for _, a := range known.Missing {
		f.line("missing", "%s", a)
	}
	if known.Copy != "" {
		f.line("copy", "%s", known.Copy)
	}
	return f.print(w)
}

// print prints how the feed goes on.
func (r *recoverCommand) print(cmd *cobra.Command, done api.Recovered) error {
	if r.format == asJSON {
		return printJSON(cmd.OutOrStdout(), done)
	}
	var f facts
	f.line("feed", "goes on after %s", lastOf(done.Author, done.End))
	f.line("place", "%s", done.Place)
	f.line("asked", "%s", namesOf(done.Asked))
	for _, left := range []struct {
		name string
		all  []api.Named
	}{{"without", done.Without}, {"not asked", done.Missing}} {
		if len(left.all) > 0 {
			f.line(left.name, "%s", namesOf(left.all))
		}
	}
	for _, addr := range done.Addrs {
		f.line("no answer", "%s", addr)
	}
	return f.print(cmd.OutOrStdout())
}

// rekeyed is what quipu recover --new-key prints in JSON.
type rekeyed struct {
	Author    crdt.Author `json:"author"`
	Former    crdt.Author `json:"former"`
	FormerKey string      `json:"formerKey"`
}

// rekey gives the stopped node a key of its own.
func (r *recoverCommand) rekey(cmd *cobra.Command) error {
	ctx := cmd.Context()
	if err := notAtServer(cmd, "new-key"); err != nil {
		return err
	}
	err := previewing(cmd, r.dir, func(c *client.Client) error { return r.explainRekey(ctx, cmd.ErrOrStderr(), c) })
	if err != nil {
		return err
	}
	if !r.yes {
		if err := confirm(cmd, "Give this node a key of its own?", "the key stays"); err != nil {
			return err
		}
	}
	done, err := node.NewKey(r.dir, node.Access{Version: version(), Passphrase: passphrase(ctx, "", "")})
	if _, inUse := errors.AsType[*node.InUseError](err); inUse {
		return r.stopFirst(err.Error())
	}
	if err != nil {
		return err
	}
	told := rekeyed(done)
	if r.format == asJSON {
		return printJSON(cmd.OutOrStdout(), told)
	}
	var f facts
	f.line("author", "%s", told.Author)
	f.line("former", "%s", told.Former)
	f.line("old key", "%s", told.FormerKey)
	return f.print(cmd.OutOrStdout())
}

// explainRekey says what a new key is for here, and what it changes.
func (r *recoverCommand) explainRekey(ctx context.Context, w io.Writer, c *client.Client) error {
	status, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if status.Running {
		return r.stopFirst(fmt.Sprintf("a daemon runs in %s (process %d)", r.dir, status.PID))
	}
	var f facts
	f.line("author", "%s writes here until now", status.Author)
	if status.Recovering != nil {
		f.line("why", "%s: %s", status.Recovering.Why, status.Recovering.Text)
	} else if !status.Writable {
		f.line("why", "%s", status.Reason)
	} else {
		f.line("why", "nothing keeps it from going on with its key")
	}
	f.line("then", "another author writes here; the feed of %s stays as it is, and nothing is appended to it here any more", status.Author.Short())
	return f.print(w)
}

// stopFirst says that the node runs, and how to stop it.
func (r *recoverCommand) stopFirst(who string) error {
	return fmt.Errorf("%s: it is given a new key only while it is stopped: \"quipu stop --dir %s\"", who, r.dir)
}

// lastOf names the last entry below a head; nil is a head of nothing.
func lastOf(author crdt.Author, head *api.Head) string {
	if head == nil || head.Next == 0 {
		return "none"
	}
	return crdt.Place{Author: author, Seq: head.Next - 1}.String()
}

// mostNames bounds the nodes that a line names.
const mostNames = 16

// namesOf lists nodes as people know them.
func namesOf(all []api.Named) string {
	if len(all) == 0 {
		return "nobody"
	}
	return clip.List(all, mostNames, api.Named.String)
}
