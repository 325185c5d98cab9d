package gossip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// OwnEnd is what the linked peers say of the end of this node's own feed.
type OwnEnd struct {
	// End is where the feed ends here. Asked hold it up to there and no more: those that lack some of it get it
	// from this node.
	End   crdt.Head
	Asked []crdt.Author
	// Missing are the members that could not be asked: they are not linked, or take nothing of this author.
	Missing []crdt.Author
}

// ErrNobodyAsked is returned by [Gossip.AskOwnEnd] when there is no link to ask on.
var ErrNobodyAsked = errors.New("no member is linked that could be asked where this node's feed ends")

// ErrCopyRuns is returned by [Gossip.AskOwnEnd] while another process with this node's key is linked: where
// the feed ends it alone can say, and it may write on.
var ErrCopyRuns = errors.New("another process with this node's key is running")

// AskOwnEnd asks all linked peers where this node's own feed ends, and waits until each has been compared with
// after the call and after the feed last grew, and none holds more of it than this node. With nobody to ask
// it waits for a link, until ctx ends or every place to join was tried.
//
// When ctx ends first, the error says who holds more or has not answered. With [ErrNobodyAsked] what is
// returned says all but who was asked.
func (g *Gossip) AskOwnEnd(ctx context.Context) (OwnEnd, error) {
	asking := ownEndAsking{since: time.Now(), end: g.ownEnd()}
	var end OwnEnd
	var open error
	err := g.loop.poll(ctx, g.pace.tick, func(s *state) (over bool) {
		end, open = asking.look(s, time.Now())
		return open == nil || errors.Is(open, ErrCopyRuns)
	})
	switch {
	case err == errLeaving:
		return OwnEnd{}, err
	case err != nil && !errors.Is(open, ErrNobodyAsked):
		open = fmt.Errorf("it is not clear yet where this node's feed ends: %w: try again", open)
	case open == nil && len(end.Asked) == 0:
		open = ErrNobodyAsked
	}
	return end, open
}

// ownEnd returns the highest head of our own feed, zero if there is none.
func (g *Gossip) ownEnd() (end crdt.Head) {
	if heads := g.log.Feed(g.self).Heads(); len(heads) > 0 {
		end = heads[len(heads)-1]
	}
	return end
}

// ownEndAsking is one call of AskOwnEnd.
type ownEndAsking struct {
	since time.Time // comparisons that began before say nothing
	end   crdt.Head // of our feed at since
}

// look returns what the peers say, or why it is not known yet.
func (a *ownEndAsking) look(s *state, now time.Time) (OwnEnd, error) {
	if len(s.peers[s.g.self]) > 0 {
		return OwnEnd{}, fmt.Errorf("%w (at %s): stop one of the two", ErrCopyRuns, s.linkTo(s.g.self).addr)
	}
	if end := s.g.ownEnd(); end != a.end {
		a.since, a.end = now, end // it grows
	}
	told := OwnEnd{End: a.end}
	var open []string
	linked := make(map[crdt.Author]bool)
	for _, p := range s.links {
		if slices.Contains(p.roots.excluded(), s.g.self) {
			continue // what it holds of us is left out of comparisons
		}
		linked[p.peer] = true
		if why := a.unsure(s.g.self, p); why != "" {
			open = append(open, fmt.Sprintf("%s (%s) %s", p.name, p.peer.Short(), why))
			p.hurry(a.since, now, s.g.pace.soon)
			continue
		}
		told.Asked = append(told.Asked, p.peer)
	}
	for _, m := range s.g.members.Members() {
		told.Missing = append(told.Missing, m.Author)
	}
	for _, seed := range s.g.seeds.All() {
		told.Missing = append(told.Missing, seed.Peer) // who was there in an earlier run
	}
	told.Missing = slices.DeleteFunc(told.Missing, func(m crdt.Author) bool { return linked[m] || m.IsZero() || m == s.g.self })
	for _, all := range []*[]crdt.Author{&told.Asked, &told.Missing} {
		slices.SortFunc(*all, crdt.Author.Compare)
		*all = slices.Compact(*all)
	}
	switch {
	case len(open) > 0:
		slices.Sort(open)
		return OwnEnd{}, errors.New(strings.Join(open, ", "))
	case len(linked) == 0 && s.expects():
		return told, ErrNobodyAsked
	}
	return told, nil
}

// unsure says why the last comparison with a peer does not show that it holds no more of our feed than we do;
// "" if it does.
func (a *ownEndAsking) unsure(self crdt.Author, p *peering) string {
	if _, more := p.found.lacking[self]; more && p.foundSince.After(a.since) {
		return "holds entries of this node that have not come yet"
	}
	if !p.foundSince.After(a.since) || p.partial {
		return "has not answered yet"
	}
	return ""
}

// expects reports whether there are places to join that have not been tried.
func (s *state) expects() bool {
	return slices.ContainsFunc(s.g.seeds.All(), func(seed Seed) bool { return seed.Tries == 0 })
}
