package main

import (
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// transitionHelp explains quipu transition.
const transitionHelp = `Write that a subject moved to another stage: one transition, or with --ndjson
one for each line, a JSON object with the fields subject and to, and if wanted
from, trigger, time, module and headers.

Without --from the subject moves from the stage it is in. A stage that is given
is the writer's word: where the log says otherwise, the transition is written
all the same and "quipu transitions" says so.

With --machine FILE, a YAML file as "quipu help transitions" shows it, a move that
the machine does not allow is refused: nothing is written, and the line on stderr
says which moves are allowed from the stage that the subject is in. Looking and
writing are one transaction, in the daemon too, so nothing comes in between; what
another node has written and this one has not got yet nobody can look at. A
--from is then part of the question: it is refused where the subject is in
another stage.

Prints places as "quipu append" does.

` + waitHelp + "\n\n" + timeHelp

func newTransition() *cobra.Command {
	var headers []string
	var dir, from, guard string
	var move api.Move
	var input ndjson
	var wait waitFor
	cmd := &cobra.Command{
		Use:   "transition --dir D --subject S --to B [flags] | transition --dir D --ndjson [FILE|-]",
		Short: "Move a subject from one stage to another",
		Long:  transitionHelp,
		Example: `  quipu transition --dir a --subject PEP-0008 --to active --trigger vote
  quipu transition --dir a --subject PEP-0008 --to final --machine pep.yaml
  quipu transition --dir a --subject PEP-0008 --to draft --time 2001-07-05
  quipu transition --dir a --ndjson moves.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines, err := input.given(cmd, append([]string{"--machine"}, waitNames...)...)
			if err == nil {
				err = wait.check(cmd)
			}
			if err != nil {
				return err
			}
			appendMoves, err := moveAppender(cmd, dir, guard, wait)
			if err != nil {
				return err
			}
			if lines {
				return input.each(cmd, dir, appendMoves)
			}
			if move.Subject == "" || move.To == "" {
				return usagef("--subject and --to are needed: what moves, and where to (or give --ndjson)")
			}
			if cmd.Flags().Changed("from") {
				move.From = &from
			}
			line, err := moveLine(cmd, move, headers)
			if err != nil {
				return err
			}
			return withNode(cmd.Context(), dir, func(c *client.Client) error {
				return withoutLine(appendMoves(c, bytes.NewReader(line)))
			})
		},
	}
	dirFlag(cmd, &dir)
	f := cmd.Flags()
	f.StringVar(&move.Subject, "subject", "", "the `subject` that moves")
	f.StringVar(&move.To, "to", "", "the `stage` it moves to")
	f.StringVar(&from, "from", "", "the `stage` it moves from (default: the one it is in)")
	f.StringVar(&move.Trigger, "trigger", "", "the `trigger`: what made it move")
	f.StringVar(&guard, "machine", "", "refuse what the state machine in this YAML `file` (or stdin, -) does not allow")
	f.StringVar(&move.Module, "module", "", "the `module`: what part or instance of a program says so")
	f.Var(timeFlag{&move.Time}, "time", "the `time` at which it moved: RFC 3339, a date or an age (default: now)")
	f.StringArrayVar(&headers, "header", nil, "a header, `NAME=VALUE` (repeat it for several)")
	input.add(cmd, "transitions")
	wait.add(cmd)
	return cmd
}

// moveLine returns a move with its headers as a line of JSON. A text that has no JSON form is an error.
func moveLine(cmd *cobra.Command, move api.Move, headers []string) ([]byte, error) {
	parsed, err := parseHeaders(headers)
	if err != nil {
		return nil, err
	}
	for _, h := range parsed {
		if move.Headers == nil {
			move.Headers = map[string]string{}
		}
		move.Headers[h.Name] = h.Value
	}
	for _, name := range []string{"subject", "to", "from", "trigger", "module", "header"} {
		if text := cmd.Flags().Lookup(name).Value.String(); !utf8.ValidString(text) {
			return nil, usagef("--%s %q is not valid UTF-8", name, text)
		}
	}
	return json.Marshal(move)
}

// moveAppender returns what appends the moves in some lines and prints their places: by the machine in
// the file called guard, unless that is not given.
func moveAppender(cmd *cobra.Command, dir, guard string, wait waitFor) (func(*client.Client, io.Reader) error, error) {
	by := func(c *client.Client, lines io.Reader) iter.Seq2[crdt.Place, error] {
		return c.Transition(cmd.Context(), lines)
	}
	if cmd.Flags().Changed("machine") {
		if guard == "" {
			return nil, usagef("--machine is empty: expected the file that declares the state machine")
		}
		m, err := readMachine(cmd, guard)
		if err != nil {
			return nil, err
		}
		by = func(c *client.Client, lines io.Reader) iter.Seq2[crdt.Place, error] {
			return c.GuardedTransition(cmd.Context(), m, lines)
		}
	}
	return func(c *client.Client, lines io.Reader) error {
		c, err := wait.client(cmd, dir, c)
		if err != nil {
			return err
		}
		return wait.print(cmd, c, by(c, lines))
	}, nil
}
