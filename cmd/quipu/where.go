package main

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/eventlog/elsewhere"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newWhere() *cobra.Command {
	cmd := showing(reading, &cobra.Command{
		Use:   "where --dir D AUTHOR/SEQ",
		Short: "Print which nodes hold an entry",
		Long: `Print which nodes hold the entry at AUTHOR/SEQ durably, this node first, as far as its
daemon has heard. AUTHOR is any author, its first digits, or the name of its node.
HOLDS IT is

  yes      it has said so since this daemon started, and proven it
  no       it has not
  trimmed  it has the entry, whose body it may have dropped
  pruned   it has forgotten the entry, by its author's leave
  shut     it takes no more of the author
  ?        it has not said anything since the entry came here, or since this
           daemon or its own started

and HEARD is when it last said what it holds. What another node claims counts for
nothing here until it has proven it. The exit code is 3 when the entry is not here,
or no more.`,
		Example: "  quipu where --dir a AUTHOR/17\n  quipu where --dir a alpha/17 --format json",
		Args:    oneArg("AUTHOR/SEQ"),
	}, func(ctx context.Context, c *client.Client, args []string) (api.Where, error) {
		place, err := findPlace(ctx, c, args[0])
		if err != nil {
			return api.Where{}, err
		}
		return c.Where(ctx, place)
	}, printWhere)
	return cmd
}

// printWhere prints for people who holds an entry.
func printWhere(w io.Writer, where api.Where) error {
	t := newTable(w, []column{
		{head: "NAME", width: 12, fit: cutMiddle}, {head: "AUTHOR", width: 8}, {head: "HOLDS IT", width: 8}, {head: "HEARD"},
	})
	for _, r := range where.Nodes {
		heard := "never"
		switch {
		case r.Self:
			heard = "-"
		case !r.Heard.IsZero():
			heard = r.Heard.Format(time.RFC3339)
		}
		if err := t.row(cmp.Or(r.Name, "-"), r.Author.Short(), holdingText(r.Holding), heard); err != nil {
			return err
		}
	}
	return t.end()
}

// holdingText says in a word whether a node holds an entry.
func holdingText(h elsewhere.Holding) string {
	switch h {
	case elsewhere.Holds:
		return "yes"
	case elsewhere.Lacks:
		return "no"
	case elsewhere.Unheard:
		return "?"
	}
	return h.String()
}
