package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// The values of --gone.
const (
	skipGone = "skip"
	showGone = "show"
	stopGone = "stop"
)

// goneFlag adds the flag that says what is done about entries whose bodies are gone: one of the ways.
func goneFlag(cmd *cobra.Command, q *api.Query, ways ...string) {
	cmd.Flags().Var(&choice{&q.Gone, ways}, "gone", enum.OneOf(ways)+": at entries whose bodies were trimmed or that were pruned")
	q.Gone = skipGone
}

// countGone counts what of the authors in question is not here: a reading that leaves something out never
// does so in silence. What is shown is not counted.
func countGone(ctx context.Context, c *client.Client, q api.Query) (entries uint64, err error) {
	for g, err := range c.Gone(ctx) {
		if err != nil {
			return 0, err
		}
		if len(q.Authors) > 0 && !slices.Contains(q.Authors, g.Author) {
			continue
		}
		entries += g.First + g.Missed
		if q.Gone == skipGone {
			entries += g.Trimmed
		}
	}
	return entries, nil
}

// noteGone says that so many entries are not here, "" for none.
func noteGone(entries uint64) string {
	if entries == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s not here, trimmed or pruned: see quipu trim --status", count(entries, "entry"), verb(entries))
}

// movesGone says what a reading of transitions does about those that were pruned; none is ever trimmed.
type movesGone struct{ want string }

func (g *movesGone) add(cmd *cobra.Command) {
	g.want = skipGone
	cmd.Flags().Var(&choice{&g.want, []string{skipGone, stopGone}}, "gone", "skip or stop: where entries were pruned, which may have been transitions")
}

// look says how many entries were pruned, as a warning or as why nothing is read.
func (g *movesGone) look(cmd *cobra.Command, c *client.Client) error {
	entries, err := countGone(cmd.Context(), c, api.Query{Gone: showGone})
	switch {
	case err != nil || entries == 0:
		return err
	case g.want == stopGone:
		return &api.Error{Code: api.Trimmed, Message: fmt.Sprintf("%s %s not here, pruned: see quipu trim --status", count(entries, "entry"), verb(entries))}
	}
	warnf(cmd, "%s %s not here, pruned, and may have been transitions: see quipu trim --status", count(entries, "entry"), verb(entries))
	return nil
}

func verb(n uint64) string { return verbs(n, "is", "are") }

// verbs returns the form of a verb that goes with n.
func verbs(n uint64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// goneRun is a run of neighbouring entries whose bodies are gone. The zero run is none.
type goneRun struct {
	author  crdt.Author
	branch  crdt.BranchID // of a disputed feed
	from, n uint64
}

// add makes the run one with that of e, if they are neighbours in either direction.
func (r *goneRun) add(e crdt.Entry) bool {
	place := e.Place()
	switch {
	case r.n == 0:
		*r = goneRun{author: e.Author, branch: place.Branch, from: e.Seq}
	case r.author != e.Author || r.branch != place.Branch:
		return false
	case e.Seq+e.Gone == r.from:
		r.from = e.Seq
	case r.from+r.n != e.Seq:
		return false
	}
	r.n += e.Gone
	return true
}

// String is a line for people.
func (r *goneRun) String() string {
	return fmt.Sprintf("… %s of %s from %d on %s gone (trimmed)", count(r.n, "entry"), r.author.Short(), r.from, verb(r.n))
}
