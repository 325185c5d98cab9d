package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newFollowers() *cobra.Command {
	return group(&cobra.Command{
		Use:   "followers list|show|reset|skip|parked|drop|remove",
		Short: "Say where the followers of the log stand, and move them",
		Long: `A follower is a program, or "quipu follow", that handles every entry that is for
it, in the order in which the entries arrive here, and whose place in that order
is kept under its name. These commands show and change what is kept, while the
follower runs and while it does not.

An entry that a follower fails at stops it, unless it is told to try again or to
park what it cannot handle. "quipu followers list" shows who is behind and why.`,
		Example: "  quipu followers list --dir a\n  quipu followers skip --dir a mailer 1",
	}, newFollowersList(), newFollowersShow(), newFollowersReset(), newFollowersSkip(), newFollowersParked(), newFollowersDrop(), newFollowersRemove())
}

func newFollowersList() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "list --dir D",
		Short: "Print where each follower stands",
		Long: `Print where each follower stands: the offset of the entry that it looks at next,
how many entries it has not looked at and how long ago the first of them was
written, how many it has parked, and what failed last, if that has not passed.

A follower runs in the process that has the log open: the daemon, or a program
that opened the log itself.`,
		Example: "  quipu followers list --dir a",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return reading(cmd, dir, func(c *client.Client) error {
				return listedFollowers.print(cmd, format, c.Followers(cmd.Context()))
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}

var listedFollowers = listing[api.Follower]{
	columns: []column{
		{head: "NAME", width: 16}, {head: "STATE", width: 8}, {head: "OFFSET", width: 10}, {head: "LAG", width: 8},
		{head: "LAG TIME", width: 9}, {head: "PARKED"}, {head: "ERROR", fit: cutEnd},
	},
	row:  followerRow,
	none: "no followers",
}

func followerRow(f api.Follower) []string {
	const errorWidth = 81 // columns, with the sign that more follows
	failure := "-"
	if failing(f) {
		failure = fitCell(f.Failure.Error, errorWidth, cutEnd)
	}
	return []string{
		f.Name, followerState(f), strconv.FormatUint(f.Cursor, 10), strconv.FormatUint(f.Lag, 10), lagTime(f),
		strconv.FormatUint(f.Parked, 10), failure,
	}
}

// failing reports whether what failed last has not passed.
func failing(f api.Follower) bool { return f.Failure != nil && f.Failure.Attempts > 0 }

// followerState returns what a follower does now, in a word.
func followerState(f api.Follower) string {
	switch {
	case f.Running && failing(f):
		return "retrying"
	case f.Running:
		return "running"
	case failing(f):
		return "failed"
	}
	return "stopped"
}

// lagTime returns how long the first entry has waited that a follower has not looked at.
func lagTime(f api.Follower) string {
	if f.Lag == 0 {
		return "-"
	}
	d := time.Duration(f.LagSeconds * float64(time.Second))
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func newFollowersShow() *cobra.Command {
	return showing(reading, &cobra.Command{
		Use:     "show --dir D NAME",
		Short:   "Print all that is known of a follower",
		Example: "  quipu followers show --dir a mailer",
		Args:    oneArg("the follower's name"),
	}, func(ctx context.Context, c *client.Client, args []string) (api.Follower, error) {
		return c.Follower(ctx, args[0])
	}, printFollower)
}

// printFollower prints a follower: for people a line for each thing worth knowing.
func printFollower(w io.Writer, f api.Follower) error {
	var about facts
	line := about.line
	line("name", "%s", f.Name)
	line("state", "%s", followerState(f))
	line("offset", "%d of %d", f.Cursor, f.Next)
	if f.Lag > 0 {
		line("lag", "%s, the first written %s ago", count(f.Lag, "entry"), lagTime(f))
	} else {
		line("lag", "none")
	}
	if f.Filter != "" {
		line("takes", "%s", f.Filter)
	} else {
		line("takes", "everything")
	}
	if f.Elsewhere {
		line("cursor", "kept by the follower itself; the offset above may be a little behind it")
	}
	if f.Holds {
		line("trims", "held back by it")
	} else {
		line("trims", "not held back by it")
	}
	line("handled", "%s", count(f.Handled, "entry"))
	if f.Parked > 0 {
		line("parked", "%s: see quipu followers parked", count(f.Parked, "entry"))
	}
	for _, n := range []struct {
		name string
		n    uint64
	}{{"skipped", f.Skipped}, {"dropped", f.Dropped}, {"trimmed", f.Trimmed}} {
		if n.n > 0 {
			line(n.name, "%s", count(n.n, "entry"))
		}
	}
	if e := f.Failure; e != nil {
		line("error", "%s", e.Error)
		line("", "at %s, offsets %d to %d, %s", e.Time.UTC().Format(timeLayout), e.First, e.Last, attempts(e.Attempts))
	}
	if !f.Since.IsZero() {
		line("since", "%s", f.Since.UTC().Format(timeLayout))
	}
	return about.print(w)
}

func attempts(n int) string {
	if n == 0 {
		return "passed since"
	}
	return "attempt " + strconv.Itoa(n)
}
