package api

import (
	"fmt"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog/elsewhere"
)

// Receipt is what a node has heard of another and an entry.
type Receipt struct {
	Author crdt.Author `json:"author"`
	// Name is what the node calls itself, where that is known.
	Name string `json:"name,omitempty"`
	// Holding is "holds", "lacks", "unheard", "trimmed", "pruned" or "shut".
	Holding elsewhere.Holding `json:"holding"`
	// Heard is when the node last said what it holds; zero where it has not since the daemon's start.
	Heard time.Time `json:"heard,omitzero"`
	// Self says that it is the node that was asked, Guest that it is no member: that one counts while it is linked.
	Self  bool `json:"self,omitempty"`
	Guest bool `json:"guest,omitempty"`
}

// Where is who holds an entry.
type Where struct {
	Place crdt.Place `json:"place"`
	// Nodes are this node, and then the others by author.
	Nodes []Receipt `json:"nodes"`
}

// mostTold bounds the nodes that a text names of each kind.
const mostTold = 8

// String says in words who else holds the entry, and who does not.
func (w Where) String() string {
	var said []string
	for _, kind := range []struct {
		holding elsewhere.Holding
		phrase  string
	}{
		{elsewhere.Holds, "held by "}, {elsewhere.Lacks, "not by "}, {elsewhere.Unheard, "not heard from "},
		{elsewhere.Trimmed, "without its body at "}, {elsewhere.Pruned, "forgotten at "}, {elsewhere.Shut, "its author is shut at "},
	} {
		var of []Receipt
		for _, r := range w.Nodes {
			if r.Holding == kind.holding && !r.Self {
				of = append(of, r)
			}
		}
		switch {
		case len(of) > 0:
			said = append(said, kind.phrase+clip.List(of, mostTold, func(r Receipt) string { return r.text() }))
		case kind.holding == elsewhere.Holds:
			said = append(said, "held by no other node")
		}
	}
	if len(w.Nodes) == 1 {
		said = append(said, "none is known")
	}
	return fmt.Sprintf("%s is durable here and stays: %s", w.Place, strings.Join(said, "; "))
}

// text names the node, and says since when it was not heard where that is what the receipt is about.
func (r Receipt) text() string {
	text := Named{r.Author, r.Name}.String()
	if r.Holding == elsewhere.Unheard && !r.Heard.IsZero() {
		text += " since " + when(r.Heard, time.Now())
	}
	return text
}

// Unreplicated is how much of a node's own feed no other node is known to hold.
type Unreplicated struct {
	// Entries is how many entries are on no other node that was heard since the daemon's start, Since when the
	// oldest of them was written.
	Entries uint64    `json:"entries"`
	Since   time.Time `json:"since,omitzero"`
	// Known says that another node was heard since then: before, all may be elsewhere.
	Known bool `json:"known"`
}

// String says so in words; "" where there is nothing to say.
func (u Unreplicated) String() string {
	switch {
	case u.Entries == 0:
		return ""
	case !u.Known:
		return "whether others have the entries of this node is not known yet: no member has said since the start"
	case u.Entries == 1:
		return "1 entry is on no other node that I have heard, since " + when(u.Since, time.Now())
	}
	return fmt.Sprintf("%d entries are on no other node that I have heard, the oldest since %s", u.Entries, when(u.Since, time.Now()))
}

// when returns a time in the form that people use on the day of now: "14:03", else with the date before it.
func when(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}
