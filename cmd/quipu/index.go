package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newIndex() *cobra.Command {
	return group(&cobra.Command{
		Use:   "index status|rebuild",
		Short: "Say how far the index of subjects and kinds is, or make it anew",
		Long: `The daemon keeps an index of subjects and kinds in the log's file, so that
"quipu log --subject S" takes as long as what it prints. Entries that are not
in the index yet are found all the same, by reading them; so are those of a log
without a daemon. "quipu start --no-index" keeps none.`,
		Example: "  quipu index status --dir a",
	}, newIndexStatus(), newIndexRebuild())
}

func newIndexStatus() *cobra.Command {
	return showing(reading, &cobra.Command{
		Use:     "status --dir D",
		Short:   "Print how far the index is and what it takes",
		Example: "  quipu index status --dir a",
		Args:    noArgs,
	}, func(ctx context.Context, c *client.Client, _ []string) (api.Index, error) { return c.Index(ctx) }, printIndex)
}

func newIndexRebuild() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rebuild --dir D",
		Short: "Drop the index and make it anew",
		Long: `Drop the index and make it anew, up to the last entry. Nothing else depends on
it: entries can be appended and read meanwhile. Where it takes long, stderr says
how far it is.`,
		Example: "  quipu index rebuild --dir a",
		Args:    noArgs,
	}
	return showing(writing, cmd, func(ctx context.Context, c *client.Client, _ []string) (api.Index, error) {
		return metered(cmd, "index rebuild", func(told func(api.Progress)) (api.Index, error) { return c.RebuildIndex(ctx, told) })
	}, printIndex)
}

func printIndex(w io.Writer, i api.Index) error {
	_, err := fmt.Fprintf(w, "%s\nlayers   %d\npostings %d\nbytes    %d\n", indexLine(i), i.Layers, i.Postings, i.Bytes)
	return err
}

// indexLine says how far the index is.
func indexLine(i api.Index) string {
	behind := i.Next - i.Reached
	switch {
	case i.Off:
		return "off"
	case i.Damaged:
		return "damaged, not used: see quipu index rebuild"
	case behind == 0:
		return fmt.Sprintf("all of %s", count(i.Next, "entry"))
	}
	return fmt.Sprintf("%d of %s; the other %d are read one by one", i.Reached, count(i.Next, "entry"), behind)
}
