package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newVerify() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "verify --dir D",
		Short: "Check the whole log",
		Long: `Walk the whole log and check everything: each op's place in its chain, its
signature or the one that covers it, its entries against their root, each feed
against its ops, the arrivals against the ops. The exit code is 0 only if all
of it checks out; each problem is a line on stdout, and so is each stretch of a
feed that cannot be read, by its places. What takes long says on stderr how far
it is.

Nothing is written: a folder that may only be read can be verified, without its key.
A line "note" then says so where the last sync of the file has failed, or where
another process writes to it too often for its pages to be held against each other.`,
		Example: "  quipu verify --dir a",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return reading(cmd, dir, func(c *client.Client) error {
				report, err := metered(cmd, "verify", func(told func(api.Progress)) (api.Report, error) { return c.Verify(cmd.Context(), told) })
				if err != nil {
					return err
				}
				return printReport(cmd, format, report)
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

func printReport(cmd *cobra.Command, format string, r api.Report) error {
	out := cmd.OutOrStdout()
	if format == asJSON {
		if err := printJSON(out, r); err != nil {
			return err
		}
	} else if err := printProblems(out, r); err != nil {
		return err
	}
	if r.OK {
		return nil
	}
	return fmt.Errorf("verify: %s; quipu repair fetches again what other nodes hold of what cannot be read", count(uint64(len(r.Problems))+r.More, "problem"))
}

func printProblems(w io.Writer, r api.Report) error {
	for _, p := range r.Problems {
		if _, err := fmt.Fprintf(w, "problem: %s\n", printable(p)); err != nil {
			return err
		}
	}
	for _, h := range r.Holes {
		if _, err := fmt.Fprintf(w, "cannot be read: %s\n", h); err != nil {
			return err
		}
	}
	for _, note := range r.Notes {
		if _, err := fmt.Fprintf(w, "note: %s\n", printable(note)); err != nil {
			return err
		}
	}
	if r.Offences > 0 {
		if _, err := fmt.Fprintf(w, "note: %d ops have a bad signature that their author vouches for\n", r.Offences); err != nil {
			return err
		}
	}
	if !r.OK {
		return nil
	}
	_, err := fmt.Fprintf(w, "ok: %s in %s by %s\n", count(r.Entries, "entry"), count(r.Ops, "op"), count(r.Authors, "author"))
	return err
}
