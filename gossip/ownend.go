package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// OwnEndQuestion says who must have said where this node's own feed ends. Its zero value means every member that
// counts: whom this node or a peer has heard of in the last 30 days, and each place of Config.Join at which nobody
// has answered yet.
type OwnEndQuestion struct {
	// Soft says that one peer is enough.
	Soft bool
	// Alone says that nobody is waited for who is not linked.
	Alone bool
	// Without are members that are not waited for, Places such places.
	Without []crdt.Author
	Places  []string
	// After is how long a member of which this node itself does not hear, or such a place, is waited for. Default: for
	// ever.
	After time.Duration
}

// OwnEnd is what the peers say of the end of this node's own feed.
type OwnEnd struct {
	// End is where the feed ends here. Asked hold it up to there and no more: those that lack some of it get it
	// from this node. They are in order, as are the lists below.
	End   crdt.Head
	Asked []crdt.Author
	// Unproven are those of Asked that claim more, were asked for it, and did not deliver.
	Unproven []Claim
	// Missing are those that count and have not been asked. Without are those of them that are not waited for, by the
	// question's word.
	Missing, Without []Absent
}

// Claim is a peer's word that this node's feed goes on to Next.
type Claim struct {
	Author crdt.Author
	Name   string
	Next   uint64
}

// Absent is a member that has not been asked, or a place at which nobody has answered.
type Absent struct {
	Author crdt.Author // zero for a place; this node's own for another process with its key
	Name   string      // what it calls itself; it may be anything
	Addr   string      // where it was last; "" where nobody says
	// Since is when it was last heard of, by this node's wall clock; of a place, when this node began to ask.
	Since time.Time
	// By are peers that have named it, at most maxNamers: nobody else knows of it.
	By []crdt.Author
	// Why says what is amiss, "" where it is not linked.
	Why string
}

// Authors returns the authors of all that are known, once each, in the order of all.
func Authors(all []Absent) (authors []crdt.Author) {
	for _, m := range all {
		if !m.Author.IsZero() && !slices.Contains(authors, m.Author) {
			authors = append(authors, m.Author)
		}
	}
	return authors
}

// Places returns the addresses of the places among all, once each, in the order of all.
func Places(all []Absent) (addrs []string) {
	for _, m := range all {
		if m.Author.IsZero() && !slices.Contains(addrs, m.Addr) {
			addrs = append(addrs, m.Addr)
		}
	}
	return addrs
}

// String returns who is missing and why, in words.
func (m Absent) String() string {
	who := fmt.Sprintf("%s (%s)", m.Name, m.Author.Short())
	switch {
	case m.Author.IsZero():
		who = m.Addr
	case m.Name == "":
		who = m.Author.Short()
	}
	why := m.Why
	if why == "" {
		why = "is not linked, and was last heard of at " + m.Since.UTC().Format(time.DateTime) + " UTC"
	}
	if len(m.By) > 0 {
		why += ", as " + m.By[0].Short() + " says"
	}
	return who + " " + why
}

// ErrNobodyAsked is returned by [Gossip.AskOwnEnd] when there is no link to ask on.
var ErrNobodyAsked = errors.New("no member is linked that could be asked where this node's feed ends")

// ErrCopyRuns is returned by [Gossip.AskOwnEnd] while another process with this node's key is linked, and for a while
// after one was seen to write: where the feed ends it alone can say, and it may write on.
var ErrCopyRuns = errors.New("another process with this node's key is running")

// AskOwnEnd asks where this node's own feed ends, and fetches what there is of it. It returns when all who must be
// asked have been compared with after the call and after the feed last grew, and none holds more of it than this
// node. One that claims more and does not deliver, though it was asked twice, holds up nobody else: it is among
// Unproven. What peers say of other members adds to those who are asked, and ends nothing.
//
// With Soft it returns when one peer has been compared with so, or the feed has grown. With Alone and nobody to ask it
// waits for a link until every place to join was tried, and then returns [ErrNobodyAsked].
//
// When ctx ends first, the error says who is missing. What is returned beside an error says what is known so far.
func (g *Gossip) AskOwnEnd(ctx context.Context, q OwnEndQuestion) (OwnEnd, error) {
	if !g.loop.wait(ctx) {
		return OwnEnd{}, context.Cause(ctx)
	}
	asking := newOwnEndAsking(g, q)
	err := g.loop.poll(ctx, g.pace.tick, func(s *state) (over bool) {
		if !slices.Contains(s.ownEnds, asking) {
			s.ownEnds = append(s.ownEnds, asking)
		}
		return asking.look(s, time.Now())
	})
	g.loop.ask(func(s *state) {
		s.ownEnds = slices.DeleteFunc(s.ownEnds, func(a *ownEndAsking) bool { return a == asking })
		if len(s.ownEnds) == 0 {
			g.ownEnd.Store(nil)
		}
	})
	told, open := asking.told, asking.open
	switch {
	case err == errLeaving:
		return told, err
	case asking.over || errors.Is(open, ErrNobodyAsked):
		return told, open
	}
	return told, fmt.Errorf("it is not clear yet where this node's feed ends: %w: try again", open)
}

// OwnEndProgress is how far a call of [Gossip.AskOwnEnd] has come.
type OwnEndProgress struct {
	OwnEnd
	Began time.Time
	// Entries is how many entries of this node's own feed have come since, from From, and PerSecond how many do
	// lately.
	Entries   uint64
	From      []crdt.Author
	PerSecond float64
	// Claimed is the highest next seq of the feed that a linked peer names; nothing may be there.
	Claimed uint64
}

// OwnEndProgress returns how far the oldest call of [Gossip.AskOwnEnd] has come, nil while there is none. It does not
// wait for anything.
func (g *Gossip) OwnEndProgress() *OwnEndProgress { return g.ownEnd.Load() }
