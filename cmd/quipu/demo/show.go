package demo

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// showBeginning says what is about to happen.
func (d *demo) showBeginning(dir string) {
	what := "transitions of your own"
	if d.cfg.Input == nil {
		what = "real transitions of the Python Enhancement Proposals"
	}
	fmt.Fprintf(d.cfg.Out, "%s %s: %d subjects, %d authors, %d nodes\nin %s\n\n",
		thousands(len(d.moves)), what,
		distinct(d.moves, func(m move) string { return m.Subject }),
		distinct(d.moves, func(m move) string { return m.Author }), d.cfg.Nodes, dir)
}

// showFindings prints a line for each node.
func (d *demo) showFindings(findings []finding) {
	d.say.say("checked every node\n")
	fmt.Fprintf(d.cfg.Out, "%-8s  %-8s  %-64s  %-8s  %s\n", "NODE", "ENTRIES", "FRONTIER HASH", "VERIFY", "AUTHOR")
	for i, f := range findings {
		verified := "ok"
		if !f.report.OK {
			verified = "FAILED"
		}
		s := d.scripts[i]
		note := ""
		switch s {
		case d.victim:
			note = "  (was killed)"
		case d.sleeper:
			note = "  (was offline)"
		}
		fmt.Fprintf(d.cfg.Out, "%-8s  %-8s  %s  %-8s  %s%s\n", s.name, thousands(int(f.report.Entries)), f.hash, verified, s.author.Short(), note)
	}
	d.showStates(findings[0].states)
}

// shownSubjects is how many subjects are shown.
const shownSubjects = 6

// showStates prints the subjects that moved most.
func (d *demo) showStates(states []api.State) {
	most := slices.Clone(states)
	slices.SortStableFunc(most, func(a, b api.State) int { return b.Moves - a.Moves })
	most = most[:min(shownSubjects, len(most))]
	fmt.Fprintf(d.cfg.Out, "\n%-10s  %-12s  %-6s  %s\n", "SUBJECT", "STAGE", "MOVES", "NOTE")
	for _, s := range most {
		note := ""
		if s.Concurrent > 0 {
			note = fmt.Sprintf("%d of them concurrent: their writers had not seen each other", s.Concurrent)
		}
		line := fmt.Sprintf("%-10s  %-12s  %-6d  %s", plain(s.Subject), plain(s.Stage), s.Moves, note)
		fmt.Fprintln(d.cfg.Out, strings.TrimRight(line, " "))
	}
}

// showEnd sums up.
func (d *demo) showEnd(dir string) {
	rate := float64(len(d.moves)) / d.writing.Seconds()
	fmt.Fprintf(d.cfg.Out, `
%s transitions, each durable on its node when it was acked: %s entries a second.
Converged %s after the last ack. All nodes hold the same log; every file verifies;
it has each transition of the input exactly once. %s in all.
`, thousands(len(d.moves)), thousands(int(rate)), d.converge.Round(time.Millisecond), time.Since(d.say.began).Round(10*time.Millisecond))
	if d.cfg.Keep != "" {
		fmt.Fprintf(d.cfg.Out, "The nodes are in %s; look at one with: quipu log --dir %s/node-1\n", dir, dir)
	}
}

// showPage prints a link to the page of the first node.
func (d *demo) showPage(ctx context.Context) error {
	first, other := d.scripts[0], d.scripts[1]
	return first.with(ctx, func(c *client.Client) error {
		link, _, err := c.PageLink(ctx)
		if err == nil {
			_, err = fmt.Fprintf(d.cfg.Out, `
The nodes run on. Look at what they hold on the page of %s:

  %s

The link signs a browser in once, within two minutes. For another one, or for the page of another node:

  quipu page --dir %s

Ctrl-C ends the demo.
`, first.name, link, other.dir)
		}
		return err
	})
}

// showLastWords prints the ends of the daemons' logs, for who wants to know what went wrong.
func (d *demo) showLastWords() {
	for _, s := range d.scripts {
		if words := s.lastWords(); words != "" {
			fmt.Fprintf(os.Stderr, "--- %s logged last:\n%s\n", s.name, words)
		}
	}
}

// thousands returns n with its digits in groups of three.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plain returns s with what a terminal might act on made visible.
func plain(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
