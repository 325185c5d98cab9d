package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newForks() *cobra.Command {
	return group(&cobra.Command{
		Use:   "forks list|show",
		Short: "Say who has contradicted itself, and what came of it",
		Long: `A feed forks when its author signs two entries for one place: two processes
write with one key, most often since a node's folder was copied or restored
from a backup. Nothing is lost by it: all branches are kept on every node and
shown as disputed.`,
		Example: "  quipu forks list --dir a\n  quipu forks show --dir a 3c0a51f2",
	}, newForksList(), newForksShow())
}

func newForksList() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "list --dir D",
		Short: "Print the authors who have forked",
		Long: `Print the authors who have forked: how many branches their feed has, how many
entries are disputed, since which seq and when, by the author's own clock, and
whether this node takes no more of them, and why.`,
		Example: "  quipu forks list --dir a",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return reading(cmd, dir, func(c *client.Client) error {
				return listedForks.print(cmd, format, c.Forks(cmd.Context()))
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}

var listedForks = listing[api.ForkedFeed]{
	columns: []column{
		{head: "AUTHOR", width: 8}, {head: "NAME", width: 12, fit: cutMiddle}, {head: "BRANCHES"}, {head: "DISPUTED"}, {head: "SINCE SEQ"},
		{head: "SINCE", width: timeWidth}, {head: "SHUT", fit: cutEnd},
	},
	row:  forkRow,
	none: "no forks",
}

func forkRow(f api.ForkedFeed) []string {
	name := dash(f.Name)
	if f.Own {
		name += " (this node)"
	}
	return []string{
		f.Author.Short(), name, strconv.Itoa(f.Branches), strconv.FormatUint(f.Entries, 10), strconv.FormatUint(f.First, 10),
		f.Since.Format(timeLayout), dash(f.Shut),
	}
}

func newForksShow() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "show --dir D AUTHOR[/SEQ]",
		Short: "Explain the forks of an author",
		Long: `Explain in words where the feed of an author forks: what happened, what it means
and what to do; and for each fork the headers of the entries that contradict
each other, what each branch holds, and whether the proof of it was verified.

AUTHOR may be cut to his first digits, as "quipu forks list" prints them, or be
the name of his node. With /SEQ only the fork is shown that the entry SEQ stands above.`,
		Example: "  quipu forks show --dir a 3c0a51f2\n  quipu forks show --dir a 3c0a51f2/17",
		Args:    oneArg("AUTHOR or AUTHOR/SEQ"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, seq, err := parseForkArg(args[0])
			if err != nil {
				return err
			}
			return reading(cmd, dir, func(c *client.Client) error {
				author, err := findAuthor(cmd.Context(), c, text)
				if err != nil {
					return err
				}
				f, err := c.Fork(cmd.Context(), author)
				if err != nil {
					return err
				}
				if seq != nil {
					if f.Forks, err = forksUnder(f, *seq); err != nil {
						return err
					}
				}
				if format == asJSON {
					return printJSON(cmd.OutOrStdout(), f)
				}
				status, err := c.Status(cmd.Context())
				if err != nil {
					return err
				}
				return explainForks(cmd.OutOrStdout(), f, status.Log)
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

// parseForkArg reads AUTHOR or AUTHOR/SEQ, whose author is as findAuthor takes him.
func parseForkArg(s string) (author string, seq *uint64, err error) {
	slash := strings.LastIndexByte(s, '/')
	if slash < 0 {
		return s, nil, nil
	}
	n, err := strconv.ParseUint(s[slash+1:], 10, 53)
	if err != nil {
		return "", nil, usagef("seq %q: expected a number after the slash", clip.Text(s[slash+1:]))
	}
	return s[:slash], &n, nil
}

// forksUnder returns the forks whose branches begin at the highest seq at or below that one.
func forksUnder(f api.ForkedFeed, seq uint64) ([]api.Fork, error) {
	var under []api.Fork
	for _, fork := range f.Forks {
		at := fork.Branches[0].First.First
		if at > seq {
			break
		}
		if len(under) > 0 && under[0].Branches[0].First.First < at {
			under = nil
		}
		under = append(under, fork)
	}
	if under == nil {
		return nil, &api.Error{Code: api.NotFound, Message: fmt.Sprintf("nothing is disputed at %s/%d: the first fork is at %d", f.Author.Short(), seq, f.First)}
	}
	return under, nil
}
