package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// appendHelp explains quipu append.
const appendHelp = `Write one entry, or with --ndjson one for each line.

Prints the place of each entry, AUTHOR/SEQ, on a line of its own, in the order
of the input. An entry is durable when its place is printed, and stays so
whatever happens to the daemon.

A line of --ndjson is an entry in JSON as "quipu log --format ndjson" prints it.
Only kind must be there; author, seq, op, disputed, clock and offset are ignored.
Empty lines are skipped. A line that cannot be appended ends the command with
exit code 1 and the line's number; the lines before it are durable and their
places printed.

With --id ID an entry is written once, however often the command is run: that of
line i has the id ID/i, and where an entry of this node's has it already, the place
of that is printed. It is known while the entry has its body there. Another event
with the id is refused. With --server entries have an id in any case, made by the
command, so that it can go on when a connection breaks.

An event of --retention transient is not written: it is told to those who listen
now, with "quipu tail --transient" or in a program, here and, unless --here is
given, at the peers that are connected and at theirs. It is stored nowhere and has
no place; whom it was told is printed. That takes a running daemon.

The payload is JSON unless --content-type says otherwise; "--payload -" reads it
from stdin, which must not be empty. Without --payload the entry has none, and
stdin is not read; a line on stderr says so if something waits there. JSON may
stand on several lines and end in a newline: the white space between its parts is
left out, here as with --ndjson, so that a reader finds it as payload. Any other
payload is kept byte for byte. Kinds that begin with "quipu." are written by other
commands, save quipu.transition, which is checked.

` + waitHelp + "\n\n" + timeHelp + "\n\n" + entryHelp

func newAppend() *cobra.Command {
	var dir, payload, retention string
	var headers []string
	var here bool
	var event crdt.Event
	var from ndjson
	var how appending
	cmd := &cobra.Command{
		Use:   "append --dir D --kind K [flags] | append --dir D --ndjson [FILE|-]",
		Short: "Write entries",
		Long:  appendHelp,
		Example: `  quipu append --dir a --kind note --subject lunch --payload '{"at":"12:30"}'
  quipu append --dir a --kind paid --subject order-17 --wait 1
  quipu append --dir a --kind photo --content-type image/png --payload - <photo.png
  quipu log --dir a --format ndjson | quipu append --dir b --ndjson`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines, err := from.given(cmd, append([]string{"--id"}, waitNames...)...)
			if err == nil {
				err = how.wait.check(cmd)
			}
			if err != nil {
				return err
			}
			if lines {
				return from.each(cmd, dir, func(c *client.Client, lines io.Reader) error { return appendLines(cmd, dir, c, lines, how) })
			}
			if err := fillEvent(cmd, &event, retention, headers, payload); err != nil {
				return err
			}
			if err := writeOne(cmd, dir, event, here, how); err != nil {
				return err
			}
			noteUnread(cmd)
			return nil
		},
	}
	dirFlag(cmd, &dir)
	f := cmd.Flags()
	f.StringVar(&event.Kind, "kind", "", "the `kind`: what happened (required)")
	f.StringVar(&event.Module, "module", "", "the `module`: what part or instance of a program says so")
	f.StringVar(&event.Subject, "subject", "", "the `subject`: what it is about")
	f.Var(timeFlag{&event.Time}, "time", "the `time` at which it happened: RFC 3339, a date or an age (default: now)")
	f.StringVar(&payload, "payload", "", "the payload, a `text`, or - to read it from stdin")
	f.StringVar(&event.ContentType, "content-type", "", "the payload's media `type` (default application/json)")
	f.StringArrayVar(&headers, "header", nil, "a header, `NAME=VALUE` (repeat it for several)")
	f.StringVar(&retention, "retention", "persistent", "how long it is kept, a `word`: persistent, trimmable or transient")
	f.StringVar(&how.id, "id", "", "write the entry of line i once, under the `id` ID/i")
	f.BoolVar(&here, "here", false, "tell a transient event to those alone who listen at this node")
	from.add(cmd, "entries")
	how.wait.add(cmd)
	return cmd
}

// fillEvent puts into an event what its flags say that is not there yet.
func fillEvent(cmd *cobra.Command, event *crdt.Event, retention string, headers []string, payload string) (err error) {
	if event.Kind == "" {
		return usagef("--kind is missing: it says what happened (or give --ndjson)")
	}
	if event.Retention, err = crdt.ParseRetention(retention); err != nil {
		return usagef("--retention: %w", err)
	}
	if event.Headers, err = parseHeaders(headers); err != nil {
		return err
	}
	if event.Payload, err = readPayload(cmd, payload); err != nil {
		return err
	}
	event.CompactPayload()
	return nil
}

// writeOne appends an event, or tells a transient one to those who listen, with here those at this node.
func writeOne(cmd *cobra.Command, dir string, event crdt.Event, here bool, how appending) error {
	switch {
	case event.Retention == crdt.Transient && how.id != "":
		return usagef("--id does not go with --retention transient: such an event is written nowhere")
	case event.Retention == crdt.Transient && how.wait.who != "":
		return usagef("--wait does not go with --retention transient: such an event is held nowhere")
	case event.Retention == crdt.Transient:
		return broadcastOne(cmd, dir, event, here)
	case here:
		return usagef("--here goes with --retention transient alone: every entry reaches every member")
	}
	return appendOne(cmd, dir, event, how)
}

// appendOne appends one event.
func appendOne(cmd *cobra.Command, dir string, event crdt.Event, how appending) error {
	// Checked here too, since what is not UTF-8 has no JSON form.
	if err := event.Check(); err != nil {
		return err
	}
	line := bytes.NewReader(event.AppendJSON(nil))
	return withNode(cmd.Context(), dir, func(c *client.Client) error {
		return withoutLine(appendLines(cmd, dir, c, line, how))
	})
}

// appending is how events are appended.
type appending struct {
	wait waitFor
	id   string // by which each is named, with the number of its line; "" for none
}

// appendLines appends the events that lines hold.
func appendLines(cmd *cobra.Command, dir string, c *client.Client, lines io.Reader, how appending) error {
	c, err := how.wait.client(cmd, dir, c)
	if err == nil && how.id != "" {
		if c, err = c.Keyed(how.id); err != nil {
			return usagef("--id %q: expected 1 to 255 visible characters of ASCII", how.id)
		}
	}
	if err != nil {
		return err
	}
	return how.wait.print(cmd, c, c.Append(cmd.Context(), lines))
}

// parseHeaders reads NAME=VALUE texts.
func parseHeaders(texts []string) ([]crdt.EventHeader, error) {
	var headers []crdt.EventHeader
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usagef("--header %q: expected NAME=VALUE", text)
		}
		headers = append(headers, crdt.EventHeader{Name: name, Value: value})
	}
	slices.SortFunc(headers, func(a, b crdt.EventHeader) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(headers); i++ {
		if headers[i-1].Name == headers[i].Name {
			return nil, usagef("--header %q stands there twice", headers[i].Name)
		}
	}
	return headers, nil
}

// readPayload returns the payload that the flag gives or names.
func readPayload(cmd *cobra.Command, text string) ([]byte, error) {
	if text != stdio {
		return []byte(text), nil
	}
	// As much as a line of --ndjson may have, since JSON grows shorter.
	b, err := readInput(cmd, stdio, api.MaxLine)
	if err != nil {
		return nil, fmt.Errorf("read payload: %w", err)
	}
	if len(b) == 0 {
		return nil, errors.New("read payload: stdin was empty, which the end of a command that has failed looks like: --payload '' says that there is none")
	}
	return b, nil
}

// noteUnread says of what waits on stdin that it was not read. A pipe there is no reason to: whoever runs
// commands gives them one, and may keep it open or want it read by the next.
func noteUnread(cmd *cobra.Command) {
	file, ok := cmd.InOrStdin().(*os.File)
	if ok && !cmd.Flags().Changed("payload") && waits(file) {
		warnf(cmd, "what is on stdin was not read, and there is no payload: --payload - takes it from there, --payload '' says that there is none")
	}
}
