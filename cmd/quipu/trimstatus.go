package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// trimStatus is what quipu trim --status prints in JSON.
type trimStatus struct {
	api.TrimStatus
	Gone []api.GoneFrom `json:"gone"`
}

// showTrims prints what there is to say of trims.
func showTrims(cmd *cobra.Command, c *client.Client, format string) error {
	told, err := c.TrimStatus(cmd.Context())
	if err != nil {
		return err
	}
	status := trimStatus{TrimStatus: told, Gone: []api.GoneFrom{}}
	for g, err := range c.Gone(cmd.Context()) {
		if err != nil {
			return err
		}
		status.Gone = append(status.Gone, g)
	}
	if format == asJSON {
		return printJSON(cmd.OutOrStdout(), status)
	}
	return printTrimStatus(cmd.OutOrStdout(), status)
}

func printTrimStatus(w io.Writer, s trimStatus) error {
	var f facts
	f.line("policy", "%s", policyWords(s.Policy))
	f.line("waits for", "%s, up to %d behind", map[string]string{"followers": "followers", "members": "followers and members"}[s.Waits], s.Policy.MaxHold)
	if s.Every > 0 {
		f.line("every", "%s", s.Every)
	}
	f.line("last trim", "%s", lastTrim(s.Last))
	f.line("trimmed", "%s here without their bodies", count(s.Trimmed, "entry"))
	f.line("pruned", "%s that were here", count(s.Pruned, "entry"))
	f.line("file", "%s", fileUse(s.File))
	for _, h := range s.Holders {
		if h.Overrun {
			f.line("overrun", "%s", overrun(h, s.Policy))
			continue
		}
		what := ""
		switch {
		case h.Prunes:
			what = ", keeps back prunes alone"
		case !h.Until.IsZero():
			what = ", until " + h.Until.UTC().Format(timeLayout)
		}
		f.line("holder", "%s at offset %d, %d behind%s", holderName(h), h.Offset, h.Behind, what)
	}
	if s.ClockOff != 0 {
		f.line("clock", "%s", clockOffLine(s.ClockOff))
	}
	for _, a := range s.Ahead {
		f.line("ahead", "%s", aheadLine(a))
	}
	if s.Last != nil {
		for _, a := range s.Last.Ahead {
			f.line("kept", "%s", keptAheadLine(a))
		}
	}
	for _, g := range s.Gone {
		f.line("gone", "%s", goneFrom(g))
	}
	return f.print(w)
}

// policyWords says what a policy lets go.
func policyWords(p api.TrimPolicy) string {
	text := "bodies are kept for ever"
	if !p.KeepBodies {
		text = fmt.Sprintf("bodies go after %s, when %d entries of their author stand above", p.MinAge, p.MinCount)
	}
	if p.KeepPruned {
		text += "; what is pruned is kept"
	}
	return text
}

// lastTrim says what the last trim did.
func lastTrim(t *api.LastTrim) string {
	if t == nil {
		return "not known: no daemon has trimmed since it started"
	}
	text := fmt.Sprintf("at %s: %s trimmed, %d pruned", t.At.Format(time.RFC3339), count(t.Trimmed.Entries, "entry"), t.Pruned.Entries)
	if t.Error != "" {
		text += ", then failed: " + t.Error
	}
	return text
}

// goneFrom says what of a feed is not here.
func goneFrom(g api.GoneFrom) string {
	var parts []string
	if g.First > 0 {
		parts = append(parts, fmt.Sprintf("%s below %d pruned", count(g.First, "entry"), g.First))
	}
	if g.Missed > 0 {
		parts = append(parts, count(g.Missed, "entry")+" pruned elsewhere before they came")
	}
	if g.Trimmed > 0 {
		parts = append(parts, count(g.Trimmed, "entry")+" trimmed")
	}
	if g.Floor > g.First {
		parts = append(parts, fmt.Sprintf("may be forgotten below %d", g.Floor))
	}
	return g.Author.String() + ": " + strings.Join(parts, ", ")
}

// cutMember returns the author whose member keeps something back, and whether it is one.
func cutMember(name string) (string, bool) { return strings.CutPrefix(name, "member ") }
