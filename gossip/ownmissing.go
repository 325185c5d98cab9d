package gossip

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/gossip/find"
)

const (
	// maxHinted bounds the members that count by the word of peers alone.
	maxHinted = 4096
	// maxNamers bounds the peers that are named for one of them.
	maxNamers = 4
	// maxTold bounds those whom an error names.
	maxTold = 8
)

// judge says who has been asked and who is missing.
func (a *ownEndAsking) judge(s *state, now time.Time) {
	members := a.counted(s, now)
	maps.DeleteFunc(a.answers, func(_ linkID, r *ownEndAnswer) bool { return !r.linked && members[r.author] == nil })
	processes := make(map[crdt.Author][]*ownEndAnswer)
	for _, r := range a.answers {
		processes[r.author] = append(processes[r.author], r)
		if members[r.author] == nil {
			members[r.author] = &counting{Absent: Absent{Author: r.author, Name: r.name}, guest: true}
		}
	}
	a.told = OwnEnd{}
	if len(a.heads) > 0 {
		a.told.End = a.heads[len(a.heads)-1]
	}
	a.links = make(map[crdt.Author]bool)
	waiting := a.shownBeyond(s)
	beyond := Authors(waiting)
	a.told.Missing = slices.Clone(waiting)
	for _, author := range slices.SortedFunc(maps.Keys(members), crdt.Author.Compare) {
		m := members[author]
		why, linked, claim := a.standing(processes[author])
		switch m.Why = why; {
		case author == a.g.self:
			m.Why = "is another process with this node's key"
		case why == notLinked:
			m.Why = ""
		}
		switch {
		case slices.Contains(beyond, author):
			continue
		case why == "":
			a.told.Asked = append(a.told.Asked, author)
			if claim > 0 {
				a.told.Unproven = append(a.told.Unproven, Claim{Author: author, Name: m.Name, Next: claim})
			}
			continue
		case m.guest && !slices.ContainsFunc(processes[author], a.holdsUp):
			continue
		case slices.Contains(a.q.Without, author), a.late(m, linked, now):
			a.told.Without = append(a.told.Without, m.Absent)
			continue
		}
		a.told.Missing = append(a.told.Missing, m.Absent)
		if linked || !a.q.Alone {
			waiting = append(waiting, m.Absent)
		}
		if known, is := s.g.members.Member(author); is && known.Alive && len(a.links) < maxAskLinks {
			a.links[author] = true
		}
	}
	waiting = append(waiting, a.places(s, now)...)
	a.over, a.open = a.decide(s, now, waiting)
}

// decide reports whether the asking is over, and with what error, or why it is not.
func (a *ownEndAsking) decide(s *state, now time.Time, waiting []Absent) (over bool, err error) {
	self := a.g.self
	switch asked := len(a.told.Asked) > 0; {
	case len(s.peers[self]) > 0:
		return true, fmt.Errorf("%w (at %s): "+stopOne, ErrCopyRuns, s.linkTo(self).addr)
	case s.copied.err != nil && now.Sub(s.copied.at) < copyStands:
		return true, s.copied.err
	case a.q.Soft && !slices.Equal(a.heads, a.first):
		return true, nil
	case a.q.Soft && asked && !slices.ContainsFunc(waiting, func(m Absent) bool { return m.Author == self }):
		return true, nil
	case len(waiting) > 0:
		return false, errors.New(clip.List(waiting, maxTold, Absent.String))
	case asked || len(a.told.Without) > 0 && !a.q.Alone:
		return true, nil
	}
	return a.q.Alone && !s.expects(), ErrNobodyAsked
}

// expects reports whether there are places to join that have not been tried.
func (s *state) expects() bool {
	return slices.ContainsFunc(s.g.seeds.All(), func(seed Seed) bool { return seed.Tries == 0 })
}

// late reports whether a member was waited for long enough. Another process with our key is not: it writes on.
func (a *ownEndAsking) late(m *counting, linked bool, now time.Time) bool {
	return a.q.After > 0 && m.Author != a.g.self && !linked && now.Sub(later(m.here, a.began)) > a.q.After
}

// counting is a member that counts, or a peer that is none and is linked.
type counting struct {
	Absent
	heard time.Time // by the host's own clock
	here  time.Time // when this node itself last heard of it: what peers say of it could put off an end for ever
	guest bool
}

// counted returns the members that count.
func (a *ownEndAsking) counted(s *state, now time.Time) map[crdt.Author]*counting {
	members := make(map[crdt.Author]*counting)
	wall := a.g.cfg.Now()
	add := func(k acquaintance) *counting {
		m := members[k.Author]
		if m == nil {
			m = &counting{Absent: Absent{Author: k.Author, Name: k.Name, Addr: k.Addr}}
			members[k.Author] = m
		}
		if k.heard.After(m.heard) {
			m.heard, m.Since = k.heard, wall.Add(-now.Sub(k.heard))
		}
		return m
	}
	for k := range s.g.acquainted(now) {
		add(k).here = k.heard
		if heard := s.heardOf[k.Author]; !heard.IsZero() {
			add(acquaintance{Author: k.Author, heard: heard})
		}
	}
	for _, seed := range s.g.seeds.All() {
		if seed.Source != find.MDNS && seed.Source != find.Remembered && !seed.Peer.IsZero() && seed.Peer != a.g.self && members[seed.Peer] == nil {
			add(acquaintance{Author: seed.Peer, Addr: seed.Addr, heard: a.began})
		}
	}
	hinted := 0
	for _, r := range a.answers {
		for _, k := range r.knows {
			if members[k.Author] == nil {
				if hinted++; hinted > maxHinted {
					continue
				}
			}
			m := add(acquaintance{Author: k.Author, Name: k.Name, heard: r.told.Add(-time.Duration(k.Ago) * time.Second)})
			if now.Sub(m.heard) > countFor {
				delete(members, k.Author)
			} else if len(m.By) < maxNamers {
				m.By = append(m.By, r.author)
			}
		}
	}
	for _, m := range members {
		slices.SortFunc(m.By, crdt.Author.Compare)
	}
	return members
}

// places notes the places that were given and at which nobody has answered, and returns those that are waited for.
func (a *ownEndAsking) places(s *state, now time.Time) (waiting []Absent) {
	seeds := s.g.seeds.All()
	for _, seed := range seeds {
		leads := func(other Seed) bool {
			return other.From == seed.Addr && !other.Peer.IsZero() && other.Peer != a.g.self
		}
		switch {
		case seed.Source != find.Configured || !seed.Peer.IsZero() || seed.Joined:
			continue
		case errors.Is(seed.Err, find.ErrSelf) || slices.ContainsFunc(seeds, leads):
			continue
		}
		m := Absent{Addr: seed.Addr, Since: a.wall, Why: "has not answered yet"}
		if seed.Err != nil {
			m.Why += ": " + seed.Err.Error()
		}
		if slices.Contains(a.q.Places, seed.Addr) || a.q.After > 0 && now.Sub(a.began) > a.q.After {
			a.told.Without = append(a.told.Without, m)
			continue
		}
		a.told.Missing = append(a.told.Missing, m)
		if !a.q.Alone {
			waiting = append(waiting, m)
		}
	}
	return waiting
}

// shownBeyond returns the peers that have shown that our feed goes on beyond what can be taken here. Going on
// would write the same numbers again, so that alone is waited for which the question does not leave out.
func (a *ownEndAsking) shownBeyond(s *state) (waiting []Absent) {
	maps.DeleteFunc(s.beyond, func(_ crdt.Author, h crdt.Head) bool { return h.Next <= a.height() })
	if a.q.Alone {
		return nil
	}
	if f, starved := s.spread.starved[a.g.self]; starved && !slices.Contains(a.q.Without, f.Peer) {
		waiting = append(waiting, Absent{Author: f.Peer, Name: s.nameOf(f.Peer), Why: "has entries of this node without bodies that this node keeps"})
	}
	for peer, h := range s.beyond {
		if !slices.Contains(a.q.Without, peer) {
			waiting = append(waiting, Absent{Author: peer, Name: s.nameOf(peer), Why: fmt.Sprintf("has shown entry %d of this node, and not those before it", h.Next-1)})
		}
	}
	slices.SortFunc(waiting, func(x, y Absent) int { return x.Author.Compare(y.Author) })
	return waiting
}

// nameOf returns what a peer or member calls itself, "" if that is not known.
func (s *state) nameOf(a crdt.Author) string {
	m, _ := s.g.members.Member(a)
	if p := s.linkTo(a); p != nil {
		return cmp.Or(m.Name, p.name)
	}
	return m.Name
}
