package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
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
			return withNode(cmd.Context(), dir, func(c *api.Client) error {
				heads := []string{"AUTHOR", "NAME", "BRANCHES", "DISPUTED", "SINCE SEQ", "SINCE", "SHUT"}
				none := true
				err := printAll(cmd.OutOrStdout(), format, c.Forks(cmd.Context()), heads, []int{8, 12, 8, 8, 9, timeWidth}, func(f api.ForkedFeed) []string {
					none = false
					return forkRow(f)
				})
				if err == nil && none && format == asTable {
					_, err = io.WriteString(cmd.OutOrStdout(), "no forks\n")
				}
				return err
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}

func forkRow(f api.ForkedFeed) []string {
	name := dash(f.Name)
	if f.Own {
		name += " (this node)"
	}
	return []string{
		f.Author.Short(), name, strconv.Itoa(f.Branches), strconv.FormatUint(f.Entries, 10), strconv.FormatUint(f.Since, 10),
		f.SinceTime.Format(timeLayout), dash(f.Shut),
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

AUTHOR may be cut to its first digits, as "quipu forks list" prints it. With
/SEQ only the fork is shown that the entry SEQ stands above.`,
		Example: "  quipu forks show --dir a 3c0a51f2\n  quipu forks show --dir a 3c0a51f2/17",
		Args:    oneArg("AUTHOR or AUTHOR/SEQ"),
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix, seq, err := parseForkArg(args[0])
			if err != nil {
				return err
			}
			return withNode(cmd.Context(), dir, func(c *api.Client) error {
				author, err := findForked(cmd.Context(), c, prefix)
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

// parseForkArg reads AUTHOR or AUTHOR/SEQ, whose author may be cut.
func parseForkArg(s string) (prefix string, seq *uint64, err error) {
	prefix, rest, hasSeq := strings.Cut(s, "/")
	if len(prefix) < 4 || len(prefix) > 64 || strings.Trim(prefix, "0123456789abcdef") != "" {
		return "", nil, usagef("author %q: expected at least the first 4 of 64 hex digits", clip(prefix, 80))
	}
	if !hasSeq {
		return prefix, nil, nil
	}
	n, err := strconv.ParseUint(rest, 10, 53)
	if err != nil {
		return "", nil, usagef("seq %q: expected a number after the slash", clip(rest, 80))
	}
	return prefix, &n, nil
}

// findForked returns the author that begins with the digits of prefix: any with all of them, else the
// one among those who have forked.
func findForked(ctx context.Context, c *api.Client, prefix string) (crdt.Author, error) {
	if len(prefix) == 64 {
		return crdt.ParseAuthor(prefix)
	}
	var found []crdt.Author
	for f, err := range c.Forks(ctx) {
		if err != nil {
			return crdt.Author{}, err
		}
		if strings.HasPrefix(f.Author.String(), prefix) {
			found = append(found, f.Author)
		}
	}
	switch len(found) {
	case 0:
		return crdt.Author{}, &api.Error{Code: api.NotFound, Message: fmt.Sprintf("no author that begins with %s has forked, as far as this node knows", prefix)}
	case 1:
		return found[0], nil
	}
	return crdt.Author{}, usagef("%d authors who have forked begin with %s: give more digits", len(found), prefix)
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
		return nil, &api.Error{Code: api.NotFound, Message: fmt.Sprintf("nothing is disputed at %s/%d: the first fork is at %d", f.Author.Short(), seq, f.Since)}
	}
	return under, nil
}
