package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/condition"
)

func newStatus() *cobra.Command {
	var dir, format, check string
	cmd := &cobra.Command{
		Use:   "status --dir D",
		Short: "Print who the node is and what it holds",
		Long: `Print who the node is and what it holds, how far it is behind the others as far as
that is known, and what keeps it from having, taking or writing what it could:

` + meaningsHelp() + `
Beside one of them, but clock, no node says that it has caught up; its linked members show it
too, see quipu members, and the daemon's log says when it begins and ends.

With --check nothing is printed, and the exit code is 0 only if a daemon runs that is as
it is asked to be; else it is 1, and stderr says why. With --format too the status is
printed all the same.

  --check=ready      it may append, its disk is not full, and it has caught up with the
                     members since its start, for which it is not ready for 30 s at most.
                     One that reaches no other is ready. GET /readyz answers the same
  --check=caught-up  it is ready, and has what the members have that it is linked to, of
                     which there is one unless it is alone. GET /readyz?caught-up=1
  --check=well       it has caught up, and none of the conditions above holds; this is
                     what --check alone asks`,
		Example: "  quipu status --dir a\n  quipu status --dir a --check && echo well",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			demand := api.Demand(check)
			if cmd.Flags().Changed("check") && !slices.Contains(api.Demands, demand) {
				return usagef("--check=%s: expected ready, caught-up or well, which --check alone asks", check)
			}
			return reading(cmd, dir, func(c *client.Client) error {
				status, err := c.Status(cmd.Context())
				if err != nil {
					return err
				}
				switch {
				case check != "" && !cmd.Flags().Changed("format"):
				case format == asJSON:
					err = printJSON(cmd.OutOrStdout(), status)
				default:
					err = printStatus(cmd.OutOrStdout(), status)
				}
				if err == nil && check != "" {
					err = checkStatus(dir, status, demand)
				}
				return err
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringVar(&check, "check", "", "print nothing; exit with 0 only if the node is `ready`, caught-up or well")
	cmd.Flags().Lookup("check").NoOptDefVal = string(api.DemandWell)
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

// meaningsHelp explains the conditions, in lines.
func meaningsHelp() string {
	var b strings.Builder
	for _, m := range condition.Meanings {
		fmt.Fprintf(&b, "  %-13s  %s\n", m.Kind, m.Text)
	}
	return b.String()
}

// checkStatus says in words why a node does not meet a demand, or returns nil.
func checkStatus(dir string, s api.Status, demand api.Demand) error {
	if !s.Running && s.PID != 0 {
		return fmt.Errorf("process %d has the log in %s open and cannot be asked", s.PID, dir)
	}
	if !s.Running {
		return fmt.Errorf("no daemon runs in %s", dir)
	}
	var why []string
	for _, c := range api.Failing(s.Unready, demand) {
		switch c.Condition {
		case api.UnreadyBehind, api.UnreadyUnlinked:
			why = append(why, "caught up: "+caughtUpLine(s))
		default:
			why = append(why, c.Condition+" "+conditionLine(c))
		}
	}
	if len(why) == 0 {
		return nil
	}
	return errors.New(strings.Join(why, "; "))
}

// conditionLine says since when a condition holds, and why.
func conditionLine(c api.Condition) string {
	return strings.TrimLeft(strings.TrimPrefix(c.String(), c.Condition), ": ")
}

// unwritableLine says why nothing is written, unless one of the conditions has said so.
func unwritableLine(s api.Status) string {
	i := slices.IndexFunc(s.Conditions, func(c api.Condition) bool { return c.Why == s.Reason })
	if i < 0 {
		return s.Reason
	}
	return "see " + s.Conditions[i].Condition
}

// seedLine says how joining at a place that was configured goes.
func seedLine(seed api.Seed, all []api.Seed) string {
	leads, joined := 0, 0
	for _, s := range all {
		if s.From == seed.Addr {
			leads++
			if s.Joined {
				joined++
			}
		}
	}
	switch {
	case seed.Error != "":
		return seed.Addr + ": not joined: " + seed.Error
	case leads > 0:
		return fmt.Sprintf("%s: leads to %d, %d joined", seed.Addr, leads, joined)
	case seed.Joined:
		return seed.Addr + ": joined"
	}
	return seed.Addr + ": not tried yet"
}

// limitsLine says what others take up here, and what they may.
func limitsLine(s api.Status) string {
	text := fmt.Sprintf("%d of %s", s.Authors, count(uint64(s.Limits.Authors), "author"))
	if s.Limits.Quota == 0 {
		return text + "; others take " + size(int64(s.Limits.Others))
	}
	return fmt.Sprintf("%s; others take %s of %s, one of them at most %s", text, size(int64(s.Limits.Others)), size(int64(s.Limits.Quota)), size(int64(s.Limits.Author)))
}

// readyLine says whether others had better be sent to another node, and why.
func readyLine(s api.Status) string {
	var why []string
	for _, c := range api.Failing(s.Unready, api.DemandReady) {
		why = append(why, c.Condition)
	}
	if why == nil {
		return "yes"
	}
	return "no: " + strings.Join(why, ", ")
}

// caughtUpLine says whether the node holds what the members it reached hold, and when it will.
func caughtUpLine(s api.Status) string {
	well := len(s.Conditions) == 0
	switch behind := s.Behind; {
	case behind.Entries > 0:
		least := ""
		if behind.AtLeast {
			least = "at least "
		}
		text := fmt.Sprintf("no: behind by %s%s of %s", least, count(behind.Entries, "entry"), count(uint64(behind.Authors), "author"))
		if behind.PerSecond > 0 && well {
			text += fmt.Sprintf(", %.0f a second", behind.PerSecond)
		}
		if behind.Left > 0 && well {
			text += fmt.Sprintf(", about %s left", time.Duration(behind.Left*float64(time.Second)).Round(time.Second))
		}
		return text
	case !s.CaughtUp.IsZero() && s.Alone:
		return "yes: no other node is known"
	case !s.CaughtUp.IsZero(): // beside a clock that is wrong, too
		return "yes, first at " + s.CaughtUp.Format(time.RFC3339)
	case !well:
		return "not well: see below"
	case s.Linked == 0 && !s.Alone:
		return "not known: no member is linked"
	}
	return "not yet"
}

// printStatus prints a status for people: a line for each thing worth knowing.
func printStatus(w io.Writer, s api.Status) error {
	var f facts
	line := f.line
	line("name", "%s", s.Name)
	line("author", "%s", s.Author)
	line("log", "%s", s.Log)
	daemonLines(line, s)
	if s.Unreplicated != nil && s.Unreplicated.String() != "" {
		line("receipts", "%s", s.Unreplicated)
	}
	for _, c := range s.Conditions {
		line(c.Condition, "%s", conditionLine(c))
	}
	if s.Genesis == "" {
		line("genesis", "not known yet: it comes with the first peer")
	}
	line("entries", "%d in %s by %s", s.Entries, count(s.Ops, "op"), count(uint64(s.Authors), "author"))
	line("hash", "%s", s.Hash)
	line("cursor", "%s", s.Cursor)
	line("limits", "%s", limitsLine(s))
	line("file", "%s", fileUse(api.FileUse{Bytes: s.Bytes, Free: s.Free}))
	if s.Trimmed+s.Pruned > 0 {
		line("gone", "%s trimmed, %d pruned: see quipu trim --status", count(s.Trimmed, "entry"), s.Pruned)
	}
	if s.LastTrim != nil {
		line("last trim", "%s", lastTrim(s.LastTrim))
	}
	line("index", "%s", indexLine(s.Index))
	if !s.Writable {
		line("writable", "no: %s", unwritableLine(s))
	}
	if s.Forked > 0 {
		line("forked", "%s: see quipu forks list", count(uint64(s.Forked), "author"))
	}
	for _, a := range s.AheadFeeds {
		line("ahead", "%s", aheadLine(a))
	}
	if more := s.Ahead - len(s.AheadFeeds); more > 0 {
		line("ahead", "and %s more", count(uint64(more), "author"))
	}
	return f.print(w)
}

// daemonLines says whether a daemon runs, and what it knows of others.
func daemonLines(line func(name, format string, args ...any), s api.Status) {
	if s.Running {
		line("daemon", "process %d since %s", s.PID, s.Started.Format(time.RFC3339))
		line("listen", "%s", s.Listen)
		line("socket", "%s", s.Socket)
		if s.HTTP != "" {
			line("http", "%s", s.HTTP)
		}
		line("members", "%s alive, %d linked", count(uint64(s.Members), "other"), s.Linked)
		line("ready", "%s", readyLine(s))
		line("caught up", "%s", caughtUpLine(s))
		if s.Behind.Claimed > 0 {
			line("claimed", "members say to have more of %s, which does not come or is not taken; the daemon's log says why",
				count(uint64(s.Behind.Claimed), "author"))
		}
		for _, seed := range s.Seeds {
			if seed.Source == "configured" {
				line("join", "%s", seedLine(seed, s.Seeds))
			}
		}
	} else if s.PID != 0 {
		line("daemon", "not asked: process %d has the log open, and its socket is not for this user, or not there", s.PID)
	} else {
		line("daemon", "not running")
	}
}
