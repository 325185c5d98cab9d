package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
)

// tailPause is how often a tail looks whether the daemon is there.
const tailPause = 100 * time.Millisecond

const tailHelp = `Print entries in the order in which they arrive at this node, as soon as they
are durable here, from now on or with --from-start from the first one, until
SIGINT, SIGTERM or SIGHUP, or until --limit is reached; the exit code is then 0.

Nothing is missed and nothing printed twice, even while the daemon restarts:
the tail waits for it and goes on where it was. The flags that say which
entries, and the formats, are those of "quipu log".

Entries that are gone before the tail comes to them are counted on stderr, and it
goes on behind them. --gone show prints the trimmed ones as "quipu log" does;
--gone stop ends the tail with exit code 3, saying where to go on.

--cursor-file keeps in a file where the tail is, and the next one with that file
goes on there. It is written as often as ten times a second, and when the tail
ends: one that is killed leaves out nothing, but what it printed last may be
printed again. --after takes such a token from the command line; "quipu status"
prints that of the present end as cursor. A token is good for the node that it
is of, until its log is begun anew there; any other refuses it. What was trimmed
behind a token is counted as above. To handle each entry, and not only print it,
there is "quipu follow".

With --transient the transient events are printed too that are heard from now
on, broadcast here or by peers. They are marked "retention":"transient" and have
no seq, op or offset, since they are stored nowhere; so they need a running
daemon, and what is broadcast while it is down is missed. When this command is
too slow for them, stderr says how many it has missed.`

func newTail() *cobra.Command {
	var t tail
	var format string
	cmd := &cobra.Command{
		Use:     "tail --dir D [flags]",
		Short:   "Print entries as they arrive",
		Long:    tailHelp,
		Example: "  quipu tail --dir a --kind note\n  quipu tail --dir a --from-start --format ndjson\n  quipu tail --dir a --transient --kind progress\n  quipu tail --dir a --format ndjson --cursor-file seen",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t.print = newEntryPrinter(cmd.OutOrStdout(), format)
			t.print.atOnce = true
			t.warn = func(text string) { warnf(cmd, "%s", text) }
			t.outage.warn = t.warn
			if err := t.where(); err != nil {
				return err
			}
			t.left = t.query.Limit
			err := t.runKept(cmd.Context())
			if cmd.Context().Err() != nil {
				err = nil
			}
			if kept := t.token.keep(); err == nil {
				err = kept
			}
			if err != nil {
				return err
			}
			return t.print.end()
		},
	}
	dirFlag(cmd, &t.dir)
	filterFlags(cmd, &t.query, &t.who)
	cmd.Flags().BoolVar(&t.query.Transient, "transient", false, "print transient events too, which are stored nowhere")
	goneFlag(cmd, &t.query, skipGone, showGone, stopGone)
	cmd.Flags().BoolVar(&t.fromStart, "from-start", false, "begin with the first entry, not with the next one")
	cmd.Flags().Var(cursorFlag{&t.at}, "after", "go on behind this `token`")
	cmd.Flags().StringVar(&t.token.path, "cursor-file", "", "keep a token in this `file`, and go on where it says")
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}

// tail is one run of the command.
type tail struct {
	dir       string
	query     api.Query
	who       sought
	fromStart bool
	at        eventlog.Cursor // where to go on; zero until it is known
	token     tokenFile
	left      int // of a limit; 0 without one
	print     *entryPrinter
	warn      func(string)
	outage    outage
	heard     bool // a daemon was there
	begun     bool // what the query names was looked for
	// until is the offset up to which there was something when the present reading began. Runs of what is
	// gone are joined up to there, and printed at once from there on.
	until uint64
	fresh bool // the present reading is the first, and where it began was not given
	// resumes says that the present reading goes on where another one ended. Nobody watched in between what
	// went, so up to until it stops at whatever is gone.
	resumes bool
	went    went
}

// went counts what was gone where a tail went on, since it was last caught up.
type went struct {
	places  int
	entries uint64 // at all places but the first, which was named
}

// errEnough ends a tail that has reached its limit, errResumed a reading that has come as far as there was
// something when it began.
var (
	errEnough  = errors.New("enough")
	errResumed = errors.New("resumed")
)

// where finds where to go on, if the command line says it.
func (t *tail) where() error {
	given := !t.at.IsZero()
	switch {
	case given && t.fromStart:
		return usagef("--after and --from-start both say where to begin: give one of them")
	case given && t.token.path != "":
		return usagef("--after and --cursor-file both say where to begin: give one of them")
	case given:
		t.resumes = true
		return nil
	}
	var err error
	t.at, err = t.token.read()
	t.resumes = !t.at.IsZero()
	t.token.kept, t.token.reached = t.at, t.at
	return err
}

// run prints until ctx ends or the limit is reached.
func (t *tail) run(ctx context.Context) error {
	defer t.sayWent()
	caughtUp := false // with what is there without a daemon
	for {
		client, err := connectDaemon(ctx, t.dir)
		if err != nil && t.query.Transient && !t.heard {
			return t.deaf()
		}
		if err != nil {
			// No daemon: what is there can be read all the same, and then one may come.
			err = t.catchUp(ctx, caughtUp)
			if err == nil {
				caughtUp = true
				t.outage.tell("no daemon runs here; waiting for one")
			}
		} else {
			caughtUp, t.heard = false, true
			err = errors.Join(t.follow(ctx, client), client.Close())
		}
		switch {
		case errors.Is(err, errEnough), ctx.Err() != nil:
			return nil
		case errors.Is(err, errResumed):
			t.sayWent()
			t.resumes = false
			continue
		case t.overtaken(err):
			t.resumes = true
			continue
		case err != nil && !passes(err):
			return err
		case err != nil:
			t.outage.met(err)
		}
		t.resumes = !t.at.IsZero()
		select {
		case <-time.After(tailPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// deaf says why transient events cannot be heard where no daemon runs.
func (t *tail) deaf() error {
	if err := folder.Folder(t.dir).Check(); err != nil {
		return err
	}
	return fmt.Errorf("no daemon runs in %s: transient events are stored nowhere, so only a running daemon hears them; start one, or leave --transient out", t.dir)
}

// overtaken reports whether a reading has met what went before it could be read. It goes on behind it, and
// names the first such place; the others are counted. A tail that is to stop there does.
func (t *tail) overtaken(err error) bool {
	refusal, ok := errors.AsType[*api.Error](err)
	if !ok || refusal.Trimmed == nil || t.query.Gone == stopGone {
		return false
	}
	if !t.at.IsZero() && refusal.Trimmed.Offset <= t.at.Offset {
		return false // there is no way on
	}
	if t.went.places++; t.went.places == 1 {
		t.warn(refusal.Message)
	} else {
		t.went.entries += refusal.Trimmed.Entries
	}
	t.goOn(refusal.Trimmed.Offset)
	return true
}

// sayWent says how much more was gone than what was named, if there was more.
func (t *tail) sayWent() {
	if t.went.places > 1 {
		t.warn(fmt.Sprintf("%s more, behind those, are gone, at %d places", count(t.went.entries, "entry"), t.went.places-1))
	}
	t.went = went{}
}

// wire returns the query of the present reading.
func (t *tail) wire() api.Query {
	q := t.query
	if t.fresh {
		q.Offset = &t.at.Offset
		return q
	}
	q.After = t.at.String()
	if t.resumes && q.Gone == skipGone {
		q.Gone = stopGone
	}
	return q
}

// catchUp prints what the log holds past the offset. Once it has, and no daemon came, there is nothing
// more to find: the log is then left alone, so that a daemon can open it.
func (t *tail) catchUp(ctx context.Context, again bool) error {
	if again {
		return nil
	}
	return readNode(ctx, t.dir, false, t.warn, func(c *client.Client) error {
		if err := t.begin(ctx, c); err != nil {
			return err
		}
		q := t.wire()
		q.Order, q.Transient = "arrival", false
		return t.takeAll(c.Entries(ctx, q))
	})
}

// follow prints what arrives at a daemon until it stops.
func (t *tail) follow(ctx context.Context, c *client.Client) error {
	if err := t.begin(ctx, c); err != nil {
		return err
	}
	return t.takeAll(c.Tail(ctx, t.wire()))
}

// takeAll takes what the node sends until that ends.
func (t *tail) takeAll(lines iter.Seq2[client.Line, error]) error {
	for line, err := range lines {
		if err == nil {
			err = t.take(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// goOn says that all below offset was printed, or is gone.
func (t *tail) goOn(offset uint64) {
	t.at.Offset = offset
	t.token.reach(t.at)
}

// begin finds where to begin, unless that is known, and up to where there is something.
func (t *tail) begin(ctx context.Context, c *client.Client) error {
	if !t.begun {
		if err := t.who.find(ctx, c, &t.query); err != nil {
			return err
		}
		if err := warnUnmatched(ctx, c, t.query, t.warn); err != nil {
			return err
		}
		t.begun = true
	}
	status, err := c.Status(ctx)
	if err != nil {
		return err
	}
	t.outage.over()
	if err := t.print.learn(ctx, c); err != nil {
		return err
	}
	t.until = status.Next
	t.fresh = t.at.IsZero()
	if !t.fresh {
		if t.at.Offset >= t.until {
			t.sayWent()
			t.resumes = false
		}
		return nil
	}
	if t.at, err = eventlog.ParseCursor(status.Cursor); err != nil {
		return err
	}
	if t.fromStart {
		t.at.Offset = 0
	}
	t.token.reach(t.at)
	// What arrives from now on is for the next tail, too, should this one end early.
	if err := t.token.keep(); err != nil || t.at.Offset >= t.until {
		return err
	}
	gone, err := countGone(ctx, c, t.query)
	if note := noteGone(gone); note != "" {
		t.warn(note)
	}
	return err
}

// take prints a line and, if it is an entry, remembers to go on behind it.
func (t *tail) take(line client.Line) error {
	if n, missed := line.Missed(); missed {
		t.warn(count(n, "transient event") + " missed: this command was too slow for them")
		return nil
	}
	if t.query.Transient {
		if b, ok := line.Broadcast(); ok {
			if err := t.print.printTransient(line, b); err != nil {
				return err
			}
			return t.one()
		}
	}
	e, offset, err := line.Entry()
	if err != nil {
		return err
	}
	if err := t.print.print(line); err != nil {
		return err
	}
	if offset != nil {
		next := *offset + max(1, e.Gone)
		t.goOn(next)
	}
	if err := t.one(); err != nil {
		return err
	}
	if t.at.Offset < t.until {
		return nil
	}
	if err := t.print.flush(); err != nil || !t.resumes {
		return err
	}
	return errResumed
}

// one counts a line that was printed against the limit.
func (t *tail) one() error {
	if t.left > 0 {
		t.left--
		t.query.Limit = t.left
		if t.left == 0 {
			return errEnough
		}
	}
	return nil
}
