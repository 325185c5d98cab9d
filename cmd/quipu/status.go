package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
)

func newStatus() *cobra.Command {
	var dir, format, check string
	cmd := &cobra.Command{
		Use:   "status --dir D",
		Short: "Print who the node is and what it holds",
		Long: `Print who the node is and what it holds, how far it is behind the others as far as
that is known, and what keeps it from having, taking or writing what it could:

  stuck          there is no room on the disk; it goes on by itself when there is
  starved        others have more of an author, without bodies that are kept here
  shut           no more is taken of an author
  second writer  somebody else writes with this node's key: it appends nothing
  read-only      the disk failed, and nothing is stored until the file is verified
  damaged        a part of the file is not as it was written
  recovering     it may not know the end of its own feed: see quipu recover
  clock          its wall clock disagrees with those of most members by more than a
                 minute: no body is trimmed until they agree

Beside one of them, but clock, no node says that it has caught up; its linked members show it
too, see quipu members, and the daemon's log says when it begins and ends.

With --check nothing is printed, and the exit code is 0 only if a daemon runs, none
of these holds, and the node has what the members that it is linked to have; else it
is 1, and stderr says why. With --format too the status is printed all the same.`,
		Example: "  quipu status --dir a\n  quipu status --dir a --check && echo well",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("check") && check != checkAll {
				return usagef("--check=%s: expected --check alone", check)
			}
			return reading(cmd, dir, func(c *api.Client) error {
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
					err = checkStatus(dir, status)
				}
				return err
			})
		},
	}
	dirFlag(cmd, &dir)
	cmd.Flags().StringVar(&check, "check", "", "print nothing; exit with 0 only if the node is `well` and has caught up")
	cmd.Flags().Lookup("check").NoOptDefVal = checkAll
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
}

// checkAll is the value of --check where none is given.
const checkAll = "all"

// checkStatus says in words why a node is not well or has not caught up, or returns nil.
func checkStatus(dir string, s api.Status) error {
	if !s.Running && s.PID != 0 {
		return fmt.Errorf("process %d has the log in %s open and cannot be asked", s.PID, dir)
	}
	if !s.Running {
		return fmt.Errorf("no daemon runs in %s", dir)
	}
	var why []string
	for _, c := range s.Conditions {
		why = append(why, c.Condition+" "+conditionLine(c))
	}
	if s.CaughtUp.IsZero() && (len(why) == 0 || s.Behind.Entries > 0) {
		why = append(why, "caught up: "+caughtUpLine(s))
	}
	if len(why) == 0 {
		return nil
	}
	return errors.New(strings.Join(why, "; "))
}

// conditionLine says since when a condition holds, and why.
func conditionLine(c api.Condition) string {
	if c.Since.IsZero() {
		return c.Why
	}
	return "since " + c.Since.Format(time.RFC3339) + ": " + c.Why
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
	if s.Running {
		line("daemon", "process %d since %s", s.PID, s.Started.Format(time.RFC3339))
		line("listen", "%s", s.Listen)
		line("socket", "%s", s.Socket)
		line("members", "%s alive, %d linked", count(uint64(s.Members), "other"), s.Linked)
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
		line("writable", "no: %s", s.Reason)
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
