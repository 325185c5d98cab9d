package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newBundleCreate() *cobra.Command {
	var dir, since, format string
	var force bool
	cmd := &cobra.Command{
		Use:   "create --dir D [--since FRONTIER|BUNDLE|PEER] FILE",
		Short: "Write entries to a bundle",
		Long: `Write what the node holds to FILE, or to stdout (-).

With --since only what is missing there:

  FRONTIER  a file that "quipu frontier --format json" has printed there, or
            stdin (-)
  BUNDLE    a bundle that was applied there, or came from there
  PEER      a member by its name or the first digits of its author: what this
            node knows that member to have held when the two were last equal

Of a feed whose end, as --since has it, is not here, everything is written, and
the feed is named. FILE is there only once it is complete, and takes the place of
another file only with --force. It is open to its owner alone, like the node's
folder.

A feed that cannot be read from the disk is left out from there on and named; the
exit code is 1 then, and FILE is there all the same.`,
		Example: `  quipu bundle create --dir a all.bundle
  quipu bundle create --dir a --since all.bundle more.bundle
  quipu frontier --dir b --format json > b.json; quipu bundle create --dir a --since b.json for-b.bundle
  quipu bundle create --dir a - | ssh there quipu bundle apply --dir b -`,
		Args: oneArg("the file to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			what, err := readSince(cmd, dir, since)
			if err != nil {
				return err
			}
			var end api.BundleEnd
			err = readNode(cmd.Context(), dir, true, func(text string) { warnf(cmd, "%s", text) }, func(c *client.Client) error {
				return copyTo(cmd, args[0], force, func(w io.Writer) (err error) {
					end, err = c.CreateBundle(cmd.Context(), w, what)
					return err
				})
			})
			if err != nil {
				return err
			}
			return printBundleEnd(cmd, args[0], format, end)
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringVar(&since, "since", "", "leave out what is held there: a `frontier, bundle or peer`")
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it is there")
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

// printBundleEnd prints what was written: on stderr when the bundle itself went to stdout.
func printBundleEnd(cmd *cobra.Command, path, format string, end api.BundleEnd) error {
	out := cmd.OutOrStdout()
	if path == stdio {
		out = cmd.ErrOrStderr()
	}
	s := end.Summary
	if format == asJSON {
		if err := printJSON(out, struct {
			File string `json:"file"`
			*bundle.Summary
		}{path, s}); err != nil {
			return err
		}
	} else if err := printSummary(out, path, end); err != nil {
		return err
	}
	if left := len(s.Left) + end.Left; left > 0 {
		return fmt.Errorf("create bundle: %s could not be read to the end and is not whole in %s: %s", count(uint64(left), "feed"), path, s.Left[0])
	}
	return nil
}

func printSummary(w io.Writer, path string, end api.BundleEnd) error {
	s := end.Summary
	_, err := fmt.Fprintf(w, "%s: %s in %s by %s, %s (%s unpacked)\n", printable(path),
		count(s.Entries, "entry"), count(s.Ops, "op"), count(uint64(s.Authors), "author"), size(s.Bytes), size(s.Plain))
	for _, a := range s.Unknown {
		if err == nil {
			_, err = fmt.Fprintf(w, "note: what --since has of %s is not all here, so all that is here was written\n", a)
		}
	}
	if err == nil && end.Unknown > 0 {
		_, err = fmt.Fprintf(w, "note: the same goes for %d more\n", end.Unknown)
	}
	for _, l := range s.Left {
		if err == nil {
			_, err = fmt.Fprintf(w, "left out: %s\n", printable(l.String()))
		}
	}
	return err
}
