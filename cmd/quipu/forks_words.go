package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// explainForks says in words what happened to a feed, what it means and what to do, and then shows each
// fork.
func explainForks(w io.Writer, f api.ForkedFeed, log crdt.LogID) error {
	t := &page{}
	t.line("author    %s%s", f.Author, nameOf(f))
	t.line("disputed  %s on %s, from seq %d on, since %s", count(f.Entries, "entry"), branchCount(f.Branches), f.First, f.Since.Format(timeLayout))
	if f.Shut != "" {
		t.line("shut      %s", f.Shut)
	}
	explainCause(t, f)
	explainEffect(t, f)
	explainRemedy(t, f, log)
	for i, fork := range f.Forks {
		showFork(t, fork, i, len(f.Forks))
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// page is text for people. Every line is made printable, and has no blanks at its end.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(printable(fmt.Sprintf(format, args...)), " "))
	p.WriteByte('\n')
}

// words adds lines that need no arguments.
func (p *page) words(text string) { p.WriteString(text) }

func nameOf(f api.ForkedFeed) string {
	switch {
	case f.Own:
		return " (this node)"
	case f.Name != "":
		return " (" + f.Name + ")"
	}
	return ""
}

func branchCount(n int) string {
	if n == 1 {
		return "1 branch"
	}
	return fmt.Sprintf("%d branches", n)
}

func explainCause(p *page, f api.ForkedFeed) {
	p.words(`
What happened
  Several processes have written with this author's key, each its own entries
  for the same places. Most often a node's folder was copied, its machine was
  cloned, or an old backup of it was started.
`)
	if !f.Own {
		return
	}
	if f.OwnEnd == nil {
		p.words("  It is this node's own key. Nothing of it was written here.\n")
		return
	}
	p.line("  It is this node's own key. What was written here ends with seq %d.", f.OwnEnd.Next-1)
}

func explainEffect(p *page, f api.ForkedFeed) {
	p.words("\nWhat it means\n")
	if f.Shut == "" {
		p.words(`  Nothing is lost. Every branch is kept, sent to every node, and read everywhere
  as AUTHOR/SEQ@BRANCH, marked disputed.
`)
	} else {
		p.words(`  What is held here stays, and is read as AUTHOR/SEQ@BRANCH, marked disputed. Other
  nodes may hold more of it.
`)
	}
	if f.First > 0 {
		p.line("  Not in doubt: the entries of this author below seq %d, and all other authors.", f.First)
	} else {
		p.line("  Not in doubt: all other authors.")
	}
	p.words(`  A process that has learned of it appends nothing more with this key, and says
  why. Everything else goes on.
`)
	if f.Shut != "" {
		p.line("  This node takes no more of this author: %s. If more is wanted, raise", f.Shut)
		p.words("  max-branches in quipu.yaml, or start with --max-branches; it goes on where it\n  stopped.\n")
	}
}

func explainRemedy(p *page, f api.ForkedFeed, log crdt.LogID) {
	p.words(`
What to do
  Let every process with this key run until the others hold what it wrote: "quipu
  frontier --hash" is then the same everywhere. Then give every place that has to
  go on writing a key of its own: a folder that is stopped, which keeps its log,

    quipu recover --dir D --new-key

  or a new one:

`)
	p.line("    quipu init --dir NEW --log %s", log)
	p.words("    quipu start --dir NEW --join HOST:PORT\n\n")
	p.words(`  To read what the branches hold:

`)
	p.line("    quipu log --dir D --author %s --disputed only", f.Author)
	p.words(`
  Never start a copy of a folder that holds a quipu.key beside the original.
`)
}

func showFork(p *page, f api.Fork, i, n int) {
	p.words("\n")
	which := "Fork"
	if n > 1 {
		which = fmt.Sprintf("Fork %d of %d", i+1, n)
	}
	switch {
	case f.Below:
		p.line("%s: below what this node holds", which)
	case f.Prev == nil:
		p.line("%s: at the beginning of the feed", which)
	default:
		p.line("%s: after seq %d, op %s", which, f.Prev.Next-1, f.Prev.Op)
	}
	for _, b := range f.Branches {
		showBranch(p, b)
	}
	switch {
	case f.Proved && f.Proof != nil:
		p.line("  proof     verified: %s lead from two of the branches to signatures of this author", count(uint64(len(f.Proof.A)+len(f.Proof.B)), "header"))
	case f.Proved:
		p.line("  proof     verified; it is too long to be shown")
	default:
		p.line("  proof     none: the branches parted below what this node holds")
	}
}

func showBranch(p *page, b api.ForkBranch) {
	h := b.First
	mark := ""
	if b.Own {
		mark = "  written here"
	}
	p.line("  branch @%s%s", h.Op.Branch(), mark)
	p.line("    header  op %s", h.Op)
	p.line("            seq %s, clock %s, after op %s", seqs(h.First, h.First+h.Count), h.Clock, opOrNone(h.Prev))
	p.line("            root %s", h.Root)
	p.line("    holds   %s in %s, seq %s, written %s to %s", count(b.Entries, "entry"), count(b.Ops, "op"),
		seqs(h.First, b.Last.Next), b.From.Format(timeLayout), b.Until.Format(timeLayout))
	for _, line := range b.Begin {
		showEntry(p, line)
	}
	if hidden := int64(b.Entries) - int64(len(b.Begin)+len(b.End)); hidden > 0 {
		p.line("            … %s more …", count(uint64(hidden), "entry"))
	}
	for _, line := range b.End {
		showEntry(p, line)
	}
	if b.Parts {
		p.line("    end     it parts again after op %s", b.Last.Op)
	} else {
		p.line("    end     op %s", b.Last.Op)
	}
}

// showEntry prints an entry on one line.
func showEntry(p *page, line []byte) {
	e, _, err := client.Line(line).Entry()
	if err != nil {
		p.line("            %v", err)
		return
	}
	const payloadWidth = 61 // columns, with the sign that more follows
	p.line("            %d  %s  %s  %s  %s", e.Seq, e.Time.UTC().Format(timeLayout), e.Kind, dash(e.Subject), fitCell(string(e.Payload), payloadWidth, cutEnd))
}

// seqs returns the seqs from first to before next.
func seqs(first, next uint64) string {
	if next == first+1 {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d to %d", first, next-1)
}

func opOrNone(id crdt.OpID) string {
	if id.IsZero() {
		return "none"
	}
	return id.String()
}
