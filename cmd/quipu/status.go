package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

func newStatus() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "status --dir D",
		Short: "Print who the node is and what it holds",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withNode(cmd.Context(), dir, func(c *api.Client) error {
				status, err := c.Status(cmd.Context())
				if err != nil {
					return err
				}
				if format == asJSON {
					return printJSON(cmd.OutOrStdout(), status)
				}
				return printStatus(cmd.OutOrStdout(), status)
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON)
	return cmd
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

// caughtUpLine says whether the node holds what the members it reached hold, and when it will.
func caughtUpLine(s api.Status) string {
	behind := s.Behind
	switch {
	case behind.Entries > 0:
		text := fmt.Sprintf("no: behind by %s of %s", count(behind.Entries, "entry"), count(uint64(behind.Authors), "author"))
		if behind.PerSecond > 0 && s.Stuck == "" {
			text += fmt.Sprintf(", %.0f a second", behind.PerSecond)
		}
		if behind.Left > 0 && s.Stuck == "" {
			text += fmt.Sprintf(", about %s left", time.Duration(behind.Left*float64(time.Second)).Round(time.Second))
		}
		return text
	case s.CaughtUp.IsZero() && s.Linked == 0:
		return "not known: no member is linked"
	case s.CaughtUp.IsZero():
		return "not yet"
	case s.Linked == 0:
		return fmt.Sprintf("at %s; no member is linked now", s.CaughtUp.Format(time.RFC3339))
	}
	return "yes, first at " + s.CaughtUp.Format(time.RFC3339)
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
		line("members", "%d others alive, %d linked", s.Members, s.Linked)
		line("caught up", "%s", caughtUpLine(s))
		if s.Behind.Claimed > 0 {
			line("claimed", "members say to have more of %s, which does not come or is not taken; the daemon's log says why",
				count(uint64(s.Behind.Claimed), "author"))
		}
		if s.Stuck != "" {
			line("stuck", "since %s: %s", s.StuckSince.Format(time.RFC3339), s.Stuck)
		}
		for _, f := range s.Starved {
			line("starved", "of %s since %s: %s; trim-age and trim-count as on the other members let it go on",
				f.Author.Short(), f.Since.Format(time.RFC3339), f.Error)
		}
		for _, seed := range s.Seeds {
			if seed.Source == "configured" {
				line("join", "%s", seedLine(seed, s.Seeds))
			}
		}
	} else {
		line("daemon", "not running")
	}
	if s.Genesis == "" {
		line("genesis", "not known yet: it comes with the first peer")
	}
	line("entries", "%d in %s by %s", s.Entries, count(s.Ops, "op"), count(uint64(s.Authors), "author"))
	line("hash", "%s", s.Hash)
	line("cursor", "%s", s.Cursor)
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
	if s.Ahead > 0 {
		line("ahead", "%d authors have a clock more than a minute ahead", s.Ahead)
	}
	for _, author := range slices.SortedFunc(maps.Keys(s.Shut), crdt.Author.Compare) {
		line("shut", "%s: %s", author, s.Shut[author])
	}
	return f.print(w)
}
