package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newMembers() *cobra.Command {
	var cmd *cobra.Command
	cmd = showing(reading, &cobra.Command{
		Use:   "members --dir D",
		Short: "Print the members that the daemon knows of",
		Long: `Print the members that the daemon knows of, this node first: what they call
themselves, where they are, whether they are alive as far as can be told,
whether entries can flow, and how this node came by them: by an address that was
configured, from dns, from mdns or remembered, or from other members. A guest is
linked and no member: it syncs, or it is a second process with a member's key.

WE LACK is how many entries the member is known to hold that this node does not,
FOR since when something has been lacking; IT LACKS is how many this node held that
the member did not when the two last compared, and one for each author that it has
shut, of whom nobody tells how many; "?" is what is not known. CLOCK is by how much
its wall clock is ahead of this node's, as it said in the last minute; a node that
disagrees with most by more than a minute trims no bodies. CONDITIONS is what the
member says keeps it from having, taking or writing what it could: see quipu status.
VERSION, which is left out while all say the same, is what each says its program is.
Only a running daemon can tell. What of this node's own entries no other node is
known to hold stands below, on stderr.`,
		Example: "  quipu members --dir a\n  quipu members --dir a --format json",
		Args:    noArgs,
	}, func(ctx context.Context, c *client.Client, _ []string) ([]api.Member, error) { return c.Members(ctx) }, func(w io.Writer, members []api.Member) error {
		err := printMembers(w, members)
		for _, m := range members {
			if m.Unreplicated != nil && m.Unreplicated.String() != "" {
				warnf(cmd, "%s", m.Unreplicated)
			}
		}
		return err
	})
	return cmd
}

func printMembers(w io.Writer, members []api.Member) error {
	t := newTable(w, []column{
		{head: "NAME", width: 12, fit: cutMiddle}, {head: "AUTHOR", width: 8}, {head: "ADDRESS", width: 21}, {head: "STATE", width: 7},
		{head: "LINKED"}, {head: "WE LACK"}, {head: "FOR", width: 6}, {head: "IT LACKS"}, {head: "RTT", width: 6}, {head: "CLOCK", width: 6},
		{head: "CONDITIONS", fit: cutEnd}, {head: "VERSION", fit: cutMiddle, optional: true}, {head: "SOURCE"},
	})
	differ := slices.ContainsFunc(members, func(m api.Member) bool { return m.Version != "" && m.Version != members[0].Version })
	for _, m := range members {
		if err := t.row(memberRow(m, differ)...); err != nil {
			return err
		}
	}
	return t.end()
}

// memberRow is the row of a member, with its version where versions differ.
func memberRow(m api.Member, differ bool) []string {
	since := "-"
	if m.Behind != nil && *m.Behind > 0 && !m.BehindSince.IsZero() {
		since = time.Since(m.BehindSince).Round(time.Second).String()
	}
	conditions := "-"
	switch {
	case len(m.Conditions) > 0:
		conditions = strings.Join(m.Conditions, ", ")
	case !m.Linked:
		conditions = "?"
	}
	version := ""
	if differ {
		version = cmp.Or(m.Version, "?")
	}
	ours, theirs, clock := differences(m)
	return []string{m.Name, m.Author.Short(), m.Addr, m.State, linkedText(m), ours, since, theirs, rttText(m), clock, conditions, version, m.Source}
}

// differences says what we lack of a member's, what it lacks of ours, and how its clock differs; of the node itself nothing.
func differences(m api.Member) (ours, theirs, clock string) {
	if m.State == "self" {
		return "-", "-", "-"
	}
	return known(m.Behind), known(m.Lacks), clockText(m.ClockOff)
}

// linkedText says whether entries can flow to a member and from it.
func linkedText(m api.Member) string {
	switch {
	case m.State == "self":
		return "-"
	case m.Linked:
		return "yes"
	}
	return "no"
}

// rttText returns the round trip to a member.
func rttText(m api.Member) string {
	if m.RTT == 0 {
		return "-"
	}
	return time.Duration(m.RTT * float64(time.Second)).Round(10 * time.Microsecond).String()
}

// known returns a number as text, or that it is not known.
func known(n *uint64) string {
	if n == nil {
		return "?"
	}
	return strconv.FormatUint(*n, 10)
}
