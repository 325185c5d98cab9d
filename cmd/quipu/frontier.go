package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newFrontier() *cobra.Command {
	var dir, format string
	var hash bool
	cmd := &cobra.Command{
		Use:   "frontier --dir D [--hash]",
		Short: "Print exactly what the node holds",
		Long: `Print the head of every feed: its author, the next seq, and the id of its last
op. An author that contradicts itself has several heads.

--hash prints one hash instead. It is equal on two nodes exactly when their
heads are.`,
		Example: "  quipu frontier --dir a --hash",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return reading(cmd, dir, func(c *client.Client) error {
				out := cmd.OutOrStdout()
				if hash {
					held, err := c.FrontierHash(cmd.Context())
					switch {
					case err != nil:
						return err
					case format == asJSON:
						return printJSON(out, api.FrontierHash{Hash: held})
					}
					_, err = fmt.Fprintln(out, held)
					return err
				}
				f, err := c.Frontier(cmd.Context())
				switch {
				case err != nil:
					return err
				case format == asJSON:
					return printJSON(out, f)
				}
				if len(f.Authors) == 0 {
					sayNone(cmd, format, "no entries")
					return nil
				}
				t := newTable(out, []column{{head: "AUTHOR", width: 64}, {head: "NEXT", width: 8}, {head: "OP", width: 64}, {head: "NAME", optional: true}})
				for _, feed := range f.Authors {
					for _, h := range feed.Heads {
						if err := t.row(feed.Author.String(), strconv.FormatUint(h.Next, 10), h.Op.String(), feed.Name); err != nil {
							return err
						}
					}
				}
				return t.end()
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().BoolVar(&hash, "hash", false, "print one hash of it all")
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}
