package main

import (
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
)

const followHelp = `Run a command for every entry, as a follower whose place in the log is kept under
NAME: each batch of entries, in the order in which they arrive here, is given to
"sh -c CMD" on its stdin, one line of JSON for each, and the follower moves on
when the command exits with 0. It goes on where it was when it is started again.
Its first start begins with the first entry, or with --from-now with the next one.

Every entry is handled at least once: a batch whose command was cut off comes
again. What must not be done twice is told apart by "author", "seq" and "op" of
the line, which are the same for ever and on every node.

When the command fails, quipu follow ends with exit code 1, and nothing is passed
over: the batch comes again at the next start. With --retry it comes again after
a pause that grows up to a minute, and with --park-after N the one entry that
fails N times is set aside with its error and the others go on; see "quipu
followers". With --parked the command is given what was set aside, an entry at
a time, and what it handles is set aside no more.

It runs until SIGINT, SIGTERM or SIGHUP, or with --once until all is handled that
was there when it began. It waits for the daemon while that does not run; --once
does without one. What the command writes to stdout and stderr comes out there. It
has handled its batch when it exits with 0, whatever it leaves running. When it
fails, and when quipu follow is to end, all that it has started gets SIGTERM, and
SIGKILL after 10 s, before the batch can come again. Its environment has NAME as QUIPU_FOLLOWER, the number of entries as QUIPU_ENTRIES and
the cursor behind them as QUIPU_AFTER.

` + entryHelp

func newFollow() *cobra.Command {
	var f follow
	cmd := &cobra.Command{
		Use:     "follow --dir D NAME --exec CMD [flags]",
		Short:   "Run a command for every entry, as a follower",
		Long:    followHelp,
		Example: "  quipu follow --dir a mailer --kind order --exec './send-mail'\n  quipu follow --dir a copy --once --exec 'cat >> copy.ndjson'",
		Args:    oneArg("the follower's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.request.Name = args[0]
			if err := f.check(); err != nil {
				return err
			}
			f.out, f.errs = bare(cmd.OutOrStdout()), bare(cmd.ErrOrStderr())
			f.outage.warn = func(text string) { warnf(cmd, "%s", text) }
			err := f.run(cmd.Context())
			if cmd.Context().Err() != nil {
				return nil
			}
			return err
		},
	}
	dirFlag(cmd, &f.dir)
	flags := cmd.Flags()
	flags.StringVar(&f.exec, "exec", "", "the `command` that is given the entries (required)")
	f.who.add(cmd)
	kindFlag(cmd, &f.request.Kinds)
	flags.StringArrayVar(&f.request.Modules, "module", nil, "take entries of this `module` (repeat it for several)")
	flags.StringArrayVar(&f.request.Subjects, "subject", nil, "take entries about this `subject` (repeat it for several)")
	flags.BoolVar(&f.request.FromNow, "from-now", false, "begin with the next entry at the first start, not with the first one")
	flags.BoolVar(&f.request.Once, "once", false, "end when all is handled that is there")
	flags.BoolVar(&f.request.Parked, "parked", false, "give the command what was set aside, and end")
	flags.IntVar(&f.request.MaxEntries, "max-entries", 0, "give the command this `number` of entries at once at most (default 1024)")
	flags.BoolVar(&f.request.Retry, "retry", false, "try again when the command fails")
	flags.IntVar(&f.request.ParkAfter, "park-after", 0, "with --retry, set an entry aside that has failed this `number` of times")
	flags.BoolVar(&f.request.SkipTrimmed, "skip-trimmed", false, "go on behind entries that are gone, instead of ending with exit code 3")
	flags.BoolVar(&f.request.DoesNotHold, "no-hold", false, "let entries be trimmed that were not handled")
	return cmd
}

// follow is one run of the command.
type follow struct {
	dir, exec string
	request   api.FollowRequest
	who       sought
	out, errs io.Writer
	outage    outage
	lost      time.Time // when a daemon was last lost; zero before
}

func (f *follow) check() error {
	switch {
	case f.exec == "":
		return usagef("--exec is missing: it is the command that is given the entries")
	case f.request.MaxEntries < 0:
		return usagef("--max-entries %d: expected 1 or more", f.request.MaxEntries)
	case f.request.ParkAfter < 0:
		return usagef("--park-after %d: expected 1 or more", f.request.ParkAfter)
	case f.request.ParkAfter > 0 && !f.request.Retry:
		return usagef("--park-after goes with --retry")
	case f.request.Parked && !f.parkedAlone():
		return usagef("--parked goes with --exec alone: it is about the entries that were set aside")
	}
	return nil
}

// parkedAlone reports whether nothing is asked for that does not go with what is parked.
func (f *follow) parkedAlone() bool {
	return len(f.who.authors) == 0 && reflect.DeepEqual(f.request, api.FollowRequest{Name: f.request.Name, Parked: true})
}

// run follows until ctx ends, or, with --once, until it has caught up.
func (f *follow) run(ctx context.Context) error {
	if f.request.Once || f.request.Parked {
		return withNode(ctx, f.dir, func(c *client.Client) error {
			if err := f.prepare(ctx, c); err != nil {
				return err
			}
			return c.Follow(ctx, f.request, f.handle)
		})
	}
	for {
		client, err := connectDaemon(ctx, f.dir)
		if err != nil {
			if err := folder.Folder(f.dir).Check(); err != nil {
				return err
			}
			f.outage.tell("no daemon runs here; waiting for one")
		} else {
			err := errors.Join(f.follow(ctx, client), client.Close())
			switch {
			case passes(err):
				f.lost = time.Now()
				f.outage.met(err)
			case !f.isOurs(err):
				return err
			}
		}
		select {
		case <-time.After(tailPause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// follow follows a daemon until it stops.
func (f *follow) follow(ctx context.Context, c *client.Client) error {
	if _, err := c.Status(ctx); err != nil {
		return err
	}
	f.outage.over()
	if f.lost.IsZero() {
		if err := f.prepare(ctx, c); err != nil {
			return err
		}
	}
	return c.Follow(ctx, f.request, f.handle)
}

// prepare finds the authors, and warns of what is to be followed and was never written.
func (f *follow) prepare(ctx context.Context, c *client.Client) (err error) {
	r := &f.request
	if r.Authors, err = f.who.findAuthors(ctx, c); err != nil {
		return err
	}
	return warnUnmatched(ctx, c, api.Query{Authors: r.Authors, Kinds: r.Kinds, Modules: r.Modules, Subjects: r.Subjects}, f.outage.warn)
}

// isOurs reports whether the follower of our name that is said to run may be what is left of ourselves: a
// daemon that was stopped and goes on has not seen yet that we have given it up.
func (f *follow) isOurs(err error) bool {
	refusal, ok := errors.AsType[*api.Error](err)
	return ok && refusal.Code == api.Busy && !f.lost.IsZero() && time.Since(f.lost) < api.Silence
}

// handle runs the command for a batch.
func (f *follow) handle(ctx context.Context, b api.Batch) error {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, passphraseVariable+"=") })
	env = append(env, "QUIPU_FOLLOWER="+f.request.Name, "QUIPU_AFTER="+b.After, "QUIPU_ENTRIES="+strconv.Itoa(b.Entries))
	h := handler{command: f.exec, env: env, in: b.Lines, out: f.out, errs: f.errs}
	return h.run(ctx)
}
