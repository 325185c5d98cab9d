package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newFollowersParked() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "parked --dir D NAME",
		Short: "Print what a follower could not handle and went on without",
		Long: `Print the entries that a follower could not handle and went on without, with
their errors and how often they have failed. They stay in the log: "quipu log
--order arrival" has their offsets. Once what handles them is mended, "quipu
follow --parked" gives them to a command again, and a program replays them with
ReplayParked; "quipu followers drop" gives them up.`,
		Example: "  quipu followers parked --dir a mailer",
		Args:    oneArg("the follower's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return reading(cmd, dir, func(c *client.Client) error {
				return listedParked.print(cmd, format, c.Parked(cmd.Context(), args[0]))
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}

var listedParked = listing[api.ParkedEntry]{
	columns: []column{
		{head: "OFFSET", width: 8}, {head: "PLACE", width: placeWidth}, {head: "KIND", width: 16, fit: cutMiddle}, {head: "SUBJECT", width: 16, fit: cutMiddle},
		{head: "ATTEMPTS"}, {head: "AT", width: timeWidth}, {head: "ERROR", fit: cutEnd},
	},
	row:  parkedRow,
	none: "nothing is parked",
}

func parkedRow(p api.ParkedEntry) []string {
	return []string{
		strconv.FormatUint(p.Offset, 10), shortPlace(crdt.Place{Author: p.Author, Seq: p.Seq}), p.Kind, p.Subject,
		strconv.Itoa(p.Failure.Attempts), p.Failure.Time.UTC().Format(timeLayout), p.Failure.Error,
	}
}

func newFollowersDrop() *cobra.Command {
	var dir, format string
	var all bool
	cmd := &cobra.Command{
		Use:   "drop --dir D NAME OFFSET... | --all",
		Short: "Give up what a follower has parked",
		Long: `Give up entries that a follower has parked, those at the offsets that "quipu
followers parked" prints, or all of them. The entries stay in the log.`,
		Example: "  quipu followers drop --dir a mailer 17\n  quipu followers drop --dir a mailer --all",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || all == (len(args) > 1) {
				return usagef("expected the follower's name, and either offsets or --all")
			}
			var offsets []uint64
			for _, arg := range args[1:] {
				offset, err := strconv.ParseUint(arg, 10, 64)
				if err != nil {
					return usagef("%q: expected an offset", clip.Text(arg))
				}
				offsets = append(offsets, offset)
			}
			return withNode(cmd.Context(), dir, func(c *client.Client) error {
				dropped, err := c.DropParked(cmd.Context(), args[0], offsets...)
				if err != nil {
					return err
				}
				return printCounted(cmd, format, "dropped", dropped)
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().BoolVar(&all, "all", false, "all of them")
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}
