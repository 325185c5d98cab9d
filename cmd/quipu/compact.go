package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newCompact() *cobra.Command {
	return showing(writing, &cobra.Command{
		Use:   "compact --dir D",
		Short: "Give back the room that trims have freed",
		Long: `Write the log's file anew without what is free in it, and print its size before
and after. It needs room for the copy beside the file. A running daemon goes on:
readers as ever, appends once it is done. A crash leaves the one file or the
other, both whole.

"quipu start --compact" does the same before the daemon serves.`,
		Example: "  quipu compact --dir a",
		Args:    noArgs,
	}, func(ctx context.Context, c *client.Client, _ []string) (api.Compaction, error) { return c.Compact(ctx) }, printCompaction)
}

func printCompaction(w io.Writer, done api.Compaction) error {
	var f facts
	f.line("before", "%d bytes", done.Before)
	f.line("after", "%d bytes", done.After)
	return f.print(w)
}
