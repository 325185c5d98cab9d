package main

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
)

func newMembers() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "members --dir D",
		Short: "Print the members that the daemon knows of",
		Long: `Print the members that the daemon knows of, this node first: what they call
themselves, where they are, whether they are alive as far as can be told,
whether entries can flow, how many entries they are known to hold that this
node does not and for how long something has been lacking, and how this node
came by them: by an address that was configured, from dns, from mdns or
remembered, or from other members. A guest is linked and no member: it syncs,
or it is a second process with a member's key. Only a running daemon can tell.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withNode(cmd.Context(), dir, func(c *api.Client) error {
				members, err := c.Members(cmd.Context())
				if err != nil {
					return err
				}
				if format == asJSON {
					return printJSON(cmd.OutOrStdout(), members)
				}
				t, err := newTable(cmd.OutOrStdout(), []string{"NAME", "AUTHOR", "ADDRESS", "STATE", "LINKED", "BEHIND", "FOR", "RTT", "SOURCE"}, 12, 8, 21, 7, 6, 6, 6, 6, 8)
				if err != nil {
					return err
				}
				for _, m := range members {
					if err := t.row(memberRow(m)...); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

func memberRow(m api.Member) []string {
	linked := "no"
	if m.Linked {
		linked = "yes"
	}
	if m.State == "self" {
		linked = "-"
	}
	rtt := "-"
	if m.RTT > 0 {
		rtt = time.Duration(m.RTT * float64(time.Second)).Round(10 * time.Microsecond).String()
	}
	since := "-"
	if m.Behind > 0 && !m.BehindSince.IsZero() {
		since = time.Since(m.BehindSince).Round(time.Second).String()
	}
	return []string{m.Name, m.Author.Short(), m.Addr, m.State, linked, strconv.FormatUint(m.Behind, 10), since, rtt, m.Source}
}
