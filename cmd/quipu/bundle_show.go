package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
)

func newBundleShow() *cobra.Command {
	var gain, format string
	cmd := &cobra.Command{
		Use:   "show [--gain FRONTIER|BUNDLE] FILE",
		Short: "Say what is in a bundle",
		Long: `Say what is in FILE, or in what comes on stdin (-), and verify it: signatures,
chains, and whether it is whole. It needs no node.

With --gain it also says how much the bundle would bring to a node with that
frontier, a file that "quipu frontier --format json" has printed, or to one that
has applied that other bundle.

Who made a bundle and when is what it says of itself; nothing proves it.

The exit code is 0 only if the bundle is whole and all of it verifies.`,
		Example: "  quipu bundle show monday.bundle\n  quipu bundle show --gain b.json monday.bundle",
		Args:    oneArg("the file with the bundle"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var against crdt.Frontier
			if gain == stdio && args[0] == stdio {
				return usagef("stdin (-) can be read only once")
			}
			if gain != "" {
				f, err := readFrontier(cmd, gain)
				if err != nil {
					return fmt.Errorf("--gain: %w", err)
				}
				if against, err = f.Held(); err != nil {
					return fmt.Errorf("--gain: %w", err)
				}
			}
			in, err := openInput(cmd, args[0])
			if err != nil {
				return fmt.Errorf("read bundle: %w", err)
			}
			contents, err := bundle.Inspect(cmd.Context(), in, against)
			if err = errors.Join(err, in.Close()); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return printContents(cmd.OutOrStdout(), args[0], format, contents)
		},
	}
	cmd.Flags().StringVar(&gain, "gain", "", "say what it would bring to this `frontier or bundle`")
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

func printContents(w io.Writer, path, format string, c bundle.Contents) error {
	var err error
	if format == asJSON {
		err = printJSON(w, c)
	} else {
		err = tableContents(w, c)
	}
	if err == nil && !c.OK() {
		err = fmt.Errorf("show: %s is not whole", path)
	}
	return err
}

func tableContents(w io.Writer, c bundle.Contents) error {
	var failed error
	line := func(name, format string, args ...any) {
		if failed == nil {
			_, failed = fmt.Fprintf(w, "%-8s %s\n", name, printable(fmt.Sprintf(format, args...)))
		}
	}
	line("log", "%s", c.Log)
	line("made", "%s on the node of %s", c.Made.Format(timeLayout), c.Author)
	if c.Since > 0 {
		line("since", "a frontier of %s", count(uint64(c.Since), "author"))
	} else {
		line("since", "nothing: it has all that its maker held")
	}
	line("upto", "a frontier of %s", count(uint64(c.Upto), "author"))
	line("entries", "%d in %s by %s", c.Entries, count(c.Ops, "op"), count(uint64(len(c.Feeds)), "author"))
	if c.Gain != nil {
		line("gain", "%s", count(*c.Gain, "entry"))
	}
	line("size", "%s", size(c.Bytes))
	if c.Whole {
		line("whole", "yes")
	} else {
		line("whole", "no: damaged %s", c.Damage)
	}
	if failed != nil || len(c.Feeds) == 0 {
		return failed
	}
	return tableFeeds(w, c)
}

func tableFeeds(w io.Writer, c bundle.Contents) error {
	columns := []column{{head: "AUTHOR", width: 64}, {head: "FROM", width: 8}, {head: "NEXT", width: 8}, {head: "ENTRIES", width: 8}}
	if c.Gain != nil {
		columns = append(columns, column{head: "GAIN", width: 8})
	}
	t := newTable(w, append(columns, column{head: "NOTE", fit: cutEnd}))
	n := func(n uint64) string { return strconv.FormatUint(n, 10) }
	for _, f := range c.Feeds {
		row := []string{f.Author.String(), n(f.From), n(f.Next), n(f.Entries)}
		if c.Gain != nil {
			row = append(row, n(f.Gain))
		}
		if err := t.row(append(row, feedNote(f))...); err != nil {
			return err
		}
	}
	return t.end()
}

// feedNote says what is special about a feed in a bundle.
func feedNote(f bundle.Feed) string {
	switch {
	case f.Problem != "":
		return f.Problem
	case f.Needs:
		return fmt.Sprintf("needs what is before seq %d first", f.From)
	case f.Loose:
		return "has branches, or begins after what is not in it"
	}
	return ""
}
