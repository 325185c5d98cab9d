package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

const trimHelp = `Forget what this node's policy lets go: of trimmable entries the body, once they
are old and far enough from the end of their author's feed, and of pruned feeds
all that their author has given leave to forget. Numbers are never given again,
and headers stay, so that what is left can be verified.

Age counts from the later of an entry's clock and its arrival here, and from its
arrival alone where the clock is more than a minute ahead: a clock that was wrong
when an entry was written neither lets it go at once nor keeps it for years. What
is kept for such a clock is named. A node whose clock disagrees by more than a
minute with those of most members, as quipu members shows, trims no body until
they agree.

The policy is that of D/quipu.yaml (trim-age, trim-count), 14 days and 10,000
entries unless it says otherwise; the daemon trims by it every hour. --min-age
and --min-count take its place this time. To keep less than it does takes
--force: what goes sooner here than elsewhere cannot be given to nodes that
still want it, and they will not take it without its body.

Followers keep back what they have not read yet and, with trim-waits: members,
so do the members of the last 30 days; each is named. Who is further behind than
trim-max-hold keeps back nothing.

--status makes no trim. It prints the policy, what of each author is gone, who
keeps back trims and how far behind they are, and what the daemon's last trim
did.

Freed room is used again, and given back by "quipu compact".`

// trimCommand is one run of quipu trim.
type trimCommand struct {
	dir, format string
	status      bool
	request     api.TrimRequest
}

func newTrim() *cobra.Command {
	var t trimCommand
	cmd := &cobra.Command{
		Use:     "trim --dir D [--min-age AGE] [--min-count N] [--force] | trim --dir D --status",
		Short:   "Forget what is old, or say what was forgotten",
		Long:    trimHelp,
		Example: "  quipu trim --dir a\n  quipu trim --dir a --min-age 60d --min-count 100000\n  quipu trim --dir a --status",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return t.run(cmd) },
	}
	dirFlag(cmd, &t.dir)
	f := cmd.Flags()
	f.Var(ageFlag{&t.request.MinAge}, "min-age", "how old an entry is at least when its body goes, such as 14d or 36h (default: the node's trim-age)")
	f.Var(countFlag{&t.request.MinCount}, "min-count", "how many entries of its author stand above it at least (default: the node's trim-count)")
	f.BoolVar(&t.request.Force, "force", false, "keep less than the node's policy does")
	f.BoolVar(&t.status, "status", false, "make no trim: print what is gone, and who keeps back trims")
	formatFlag(cmd, &t.format, asTable, asJSON)
	return cmd
}

func (t *trimCommand) run(cmd *cobra.Command) error {
	if t.status && (t.request != api.TrimRequest{}) {
		return usagef("--status makes no trim: --min-age, --min-count and --force do not go with it")
	}
	if t.status {
		return reading(cmd, t.dir, func(c *client.Client) error { return showTrims(cmd, c, t.format) })
	}
	return withNode(cmd.Context(), t.dir, func(c *client.Client) error {
		report, err := c.Trim(cmd.Context(), t.request)
		if wrong, ok := errors.AsType[*api.Error](err); ok && wrong.Code == api.Invalid {
			return usagef("--min-age, --min-count: %w", err)
		}
		if err != nil {
			return err
		}
		if t.request.Force {
			warnf(cmd, "what went sooner here than elsewhere cannot be given to nodes that still want it")
		}
		if t.format == asJSON {
			return printJSON(cmd.OutOrStdout(), report)
		}
		return printTrim(cmd.OutOrStdout(), report)
	})
}

// warnf says on stderr what does not stop a command.
func warnf(cmd *cobra.Command, format string, args ...any) {
	fmt.Fprintf(cmd.ErrOrStderr(), "quipu: %s\n", printable(fmt.Sprintf(format, args...)))
}

// printTrim prints for people what a trim did.
func printTrim(w io.Writer, r api.TrimReport) error {
	var f facts
	f.line("trimmed", "%s", forgotten(r.Trimmed))
	f.line("pruned", "%s", forgotten(r.Pruned))
	for _, h := range r.Pruned.Lost {
		f.line("lost", "%s: could not be read, nor had from another node, and its author has given leave to forget it", h)
	}
	for _, h := range r.Held {
		if h.Overrun {
			f.line("overrun", "%s", overrun(h, r.Policy))
		} else {
			f.line("held back", "%s by %s, which is at offset %d, %d behind", count(h.Entries, "entry"), holderName(h), h.Offset, h.Behind)
		}
	}
	if r.ClockOff != 0 {
		f.line("clock", "%s", clockOffLine(r.ClockOff))
	}
	for _, a := range r.Ahead {
		f.line("kept", "%s", keptAheadLine(a))
	}
	f.line("before", "%s", fileUse(r.Before))
	f.line("after", "%s", fileUse(r.After))
	if mostlyFree(r.After) {
		f.line("hint", "most of the file is free: quipu compact gives it back")
	}
	return f.print(w)
}

// forgotten says what was forgotten.
func forgotten(f api.Forgotten) string {
	if f.Ops == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%s in %s, %d bytes", count(f.Entries, "entry"), count(f.Ops, "op"), f.Bytes)
}

// fileUse says what the log's file takes up.
func fileUse(u api.FileUse) string {
	if u.Free == 0 {
		return fmt.Sprintf("%d bytes", u.Bytes)
	}
	return fmt.Sprintf("%d bytes, %d of them free", u.Bytes, u.Free)
}

// worthCompacting is how many bytes of a file are free at least when it is worth a word.
const worthCompacting = 1 << 20

func mostlyFree(u api.FileUse) bool { return u.Free >= worthCompacting && u.Free > u.Bytes/2 }

// holderName says who keeps back a trim.
func holderName(h api.Holder) string {
	if _, member := cutMember(h.Name); member {
		return h.Name
	}
	return "follower " + h.Name
}

// overrun says why one who would keep back a trim does not.
func overrun(h api.Holder, p api.TrimPolicy) string {
	if !h.Until.IsZero() {
		return fmt.Sprintf("%s has not gone on, and kept back what it needs until %s: it keeps back nothing", holderName(h), h.Until.UTC().Format(timeLayout))
	}
	return fmt.Sprintf("%s is %d behind, more than %d: it keeps back nothing", holderName(h), h.Behind, p.MaxHold)
}
