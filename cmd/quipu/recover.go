package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

const recoverHelp = `Take up this node's own feed again after its folder was restored from a backup.

Such a folder is older than what the node has written before. The node learns of
that when its own entries come back from other nodes: it stores them and appends
nothing, since nobody here can know whether they are all, and no number must be
given twice. "quipu status" says so.

The command asks the members that are linked where the feed ends, and waits up to
10 s until none of them holds more of it than this node. It says where that is
and who could not be asked, and asks for leave; where nobody can be asked it needs
--yes. The feed then goes on there, which an entry of kind quipu.recover puts on
record. The daemon has to run: only a running one can ask the members.

It is refused while a member holds more than has come, while another process with
this node's key runs, and where the node has written after it was restored: then
its feed has forked, and "quipu forks show" says what to do.

--alone goes on though no member is linked. If another node holds more of this
node's entries all the same, the feed forks when the two meet.

The exit code is 3 when there is nothing to recover from.`

// recoverCommand is one run of quipu recover.
type recoverCommand struct {
	dir, format string
	yes, alone  bool
}

func newRecover() *cobra.Command {
	var r recoverCommand
	cmd := &cobra.Command{
		Use:     "recover --dir D [--alone] [--yes]",
		Short:   "Let a node append again whose folder was restored from a backup",
		Long:    recoverHelp,
		Example: "  quipu recover --dir a\n  quipu recover --dir a --yes",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	dirFlag(cmd, &r.dir)
	cmd.Flags().BoolVar(&r.alone, "alone", false, "go on though no member can be asked")
	cmd.Flags().BoolVar(&r.yes, "yes", false, "do not ask")
	formatFlag(cmd, &r.format, asTable, asJSON)
	return cmd
}

func (r *recoverCommand) run(cmd *cobra.Command) error {
	request := api.RecoverRequest{Alone: r.alone, Plan: true}
	var plan, done api.Recovered
	// The log is not held while somebody thinks about it.
	err := withNode(cmd.Context(), r.dir, func(c *api.Client) (err error) {
		plan, err = c.Recover(cmd.Context(), request)
		return err
	})
	if err != nil {
		return err
	}
	r.explain(cmd, plan)
	if !r.yes {
		if err := confirm(cmd, "Take the feed up there?", "not recovered"); err != nil {
			return err
		}
	}
	request.Plan = false
	err = withNode(cmd.Context(), r.dir, func(c *api.Client) (err error) {
		done, err = c.Recover(cmd.Context(), request)
		return err
	})
	if err != nil {
		return err
	}
	if r.format == asJSON {
		return printJSON(cmd.OutOrStdout(), done)
	}
	var f facts
	f.line("feed", "goes on after %s", lastOf(done.Author, &done.End))
	f.line("place", "%s", done.Place)
	f.line("asked", "%s", namesOf(done.Asked))
	if len(done.Missing) > 0 {
		f.line("not asked", "%s", namesOf(done.Missing))
	}
	return f.print(cmd.OutOrStdout())
}

// explain says on stderr what is about to be done, and on whose word.
func (r *recoverCommand) explain(cmd *cobra.Command, plan api.Recovered) {
	warnf(cmd, "the last entry of this node's own in the restored folder was %s; now it is %s, and so it is at those asked: %s",
		lastOf(plan.Author, plan.From), lastOf(plan.Author, &plan.End), namesOf(plan.Asked))
	if len(plan.Missing) > 0 {
		warnf(cmd, "not asked, since not linked: %s; if one of them holds more of this node's entries, its feed will fork", namesOf(plan.Missing))
	}
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
	var names []string
	for i, n := range all {
		if i == mostNames {
			names = append(names, fmt.Sprintf("%d others", len(all)-i))
			break
		}
		if n.Name == "" {
			names = append(names, n.Author.Short())
		} else {
			names = append(names, n.Name+" ("+n.Author.Short()+")")
		}
	}
	return strings.Join(names, ", ")
}
