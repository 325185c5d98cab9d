package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
)

// printPlaces prints each place as it comes: whoever reads one may rely on it. It returns the last, nil before the
// first.
func printPlaces(w io.Writer, places iter.Seq2[crdt.Place, error]) (last *crdt.Place, err error) {
	var line []byte
	for p, err := range places {
		if errors.Is(err, api.ErrLeft) {
			return last, fmt.Errorf("%w; what has no place printed may be in the log all the same", err)
		}
		if err != nil {
			return last, err
		}
		line = append(append(line[:0], p.String()...), '\n')
		if _, err := w.Write(line); err != nil {
			return last, err
		}
		last = &p
	}
	return last, nil
}

// ndjson is the flag that takes lines from a file or from stdin, and may stand without a value:
// --ndjson, --ndjson=FILE, --ndjson FILE and --ndjson - all work.
type ndjson struct{ file string }

func (n *ndjson) add(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&n.file, "ndjson", "", "append "+what+", one JSON object a line, from this `file`, or from stdin (-)")
	cmd.Flags().Lookup("ndjson").NoOptDefVal = stdio
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 && cmd.Flags().Changed("ndjson") && n.file == stdio {
			n.file = args[0]
			return nil
		}
		return noArgs(cmd, args)
	}
}

// given reports whether lines are to be read, and refuses the flags that describe one item beside them:
// all but those that are named.
func (n *ndjson) given(cmd *cobra.Command, beside ...string) (bool, error) {
	if !cmd.Flags().Changed("ndjson") {
		return false, nil
	}
	for _, name := range flagNames(cmd) {
		if name != "--ndjson" && !slices.Contains(nodeFlags, name) && !slices.Contains(beside, name) && cmd.Flags().Changed(name[2:]) {
			return false, usagef("%s does not go with --ndjson, whose lines say everything", name)
		}
	}
	return true, nil
}

// each calls fn with a client of the node in dir and the lines. It waits for the first line before it
// opens anything, so that a command at the end of a pipe does not hold a log that the one before it
// still has to read.
func (n *ndjson) each(cmd *cobra.Command, dir string, fn func(*client.Client, io.Reader) error) error {
	if serverOf(cmd.Context()) == nil {
		if err := folder.Folder(dir).Check(); err != nil {
			return err
		}
	}
	in, err := openInput(cmd, n.file)
	if err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	defer in.Close()
	lines := bufio.NewReaderSize(in, 64<<10)
	if _, err := lines.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return fmt.Errorf("read lines: %w", err)
	}
	return withNode(cmd.Context(), dir, func(c *client.Client) error { return fn(c, lines) })
}

// withoutLine takes the line's number out of a refusal, where there was one line and nobody saw it.
func withoutLine(err error) error {
	refusal, ok := errors.AsType[*api.Error](err)
	if !ok {
		return err
	}
	return &api.Error{Code: refusal.Code, Message: refusal.Message}
}
