package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newFollowersReset() *cobra.Command {
	var dir, to, format string
	cmd := &cobra.Command{
		Use:   "reset --dir D NAME --to OFFSET|start|end",
		Short: "Move a follower in the log",
		Long: `Move a follower to an offset, to the start of the log, where it is given
everything again, or to its end, where it is given only what is new. One that
runs goes on from there. What it has built stays as it is; a follower that is to
build it anew is removed instead.

A follower that keeps its cursor itself can only be moved where it keeps it.`,
		Example: "  quipu followers reset --dir a mailer --to end",
		Args:    oneArg("the follower's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkReset(to); err != nil {
				return err
			}
			return withNode(cmd.Context(), dir, func(c *client.Client) error {
				f, err := c.ResetFollower(cmd.Context(), args[0], to)
				if err != nil {
					return err
				}
				if format == asJSON {
					return printJSON(cmd.OutOrStdout(), f)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is at offset %d, %s behind\n", printable(f.Name), f.Cursor, count(f.Lag, "entry"))
				return err
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringVar(&to, "to", "", "where to, a `place`: an offset, start or end (required)")
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

// checkReset says why to is no place to move a follower to, or nil.
func checkReset(to string) error {
	if to == "" {
		return usagef("--to is missing: it says where to move the follower: an offset, start or end")
	}
	if _, err := strconv.ParseUint(to, 10, 64); err != nil && to != api.ToStart && to != api.ToEnd {
		return usagef("--to %q: expected an offset, start or end", clip.Text(to))
	}
	return nil
}

func newFollowersSkip() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "skip --dir D NAME N",
		Short: "Move a follower behind its next entries",
		Long: `Move a follower behind the next N entries that are for it, or to the end of the
log when there are fewer, and print how many they were: 1 is the entry that it
fails at, most often. They are never handled; the follower counts them.`,
		Example: "  quipu followers skip --dir a mailer 1",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("expected the follower's name and a number of entries, got %s", count(uint64(len(args)), "argument"))
			}
			n, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil || n == 0 {
				return usagef("%q: expected a number of entries, 1 or more", clip.Text(args[1]))
			}
			return withNode(cmd.Context(), dir, func(c *client.Client) error {
				skipped, err := c.SkipFollower(cmd.Context(), args[0], n)
				if err != nil {
					return err
				}
				return printCounted(cmd, format, "skipped", skipped)
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

// printCounted prints how many entries were skipped or dropped.
func printCounted(cmd *cobra.Command, format, what string, entries uint64) error {
	if format == asJSON {
		return printJSON(cmd.OutOrStdout(), api.Counted{Entries: entries})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", what, count(entries, "entry"))
	return err
}

func newFollowersRemove() *cobra.Command {
	var dir string
	var yes bool
	cmd := &cobra.Command{
		Use:   "remove --dir D NAME [--yes]",
		Short: "Forget a follower",
		Long: `Forget a follower: its cursor, what it has parked, and the keys that it has built
in the log's file. One of that name that is followed later begins anew. It must
not run. The command says what is lost and asks; where nobody can be asked it
needs --yes.`,
		Example: "  quipu followers remove --dir a mailer --yes",
		Args:    oneArg("the follower's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			if !yes {
				// The log is not held while somebody thinks about it.
				if err := askToRemove(cmd, dir, name); err != nil {
					return err
				}
			}
			return withNode(cmd.Context(), dir, func(c *client.Client) error {
				return c.RemoveFollower(cmd.Context(), name)
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// askToRemove says what goes with a follower, and asks for leave.
func askToRemove(cmd *cobra.Command, dir, name string) error {
	var f api.Follower
	err := previewing(cmd, dir, func(c *client.Client) (err error) {
		f, err = c.Follower(cmd.Context(), name)
		return err
	})
	if err != nil {
		return err
	}
	warnf(cmd, "this forgets where follower %q is, offset %d, the %s that it has parked, and its keys", f.Name, f.Cursor, count(f.Parked, "entry"))
	return confirm(cmd, "Remove it?", "not removed")
}
