package feeds

import (
	"iter"
	"maps"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Why no more of an author is taken, as the record of a feed says it.
const (
	ShutBranches = "too many branches"
	ShutAuthors  = "too many authors"
	ShutShare    = "more than one author's share of the disk"
	ShutQuota    = "the disk quota is used up"
	ShutDamaged  = "its feed is damaged here"
)

// Bounds are what feeds may take up here. An author past one of them is shut, and nobody else is; the feed of Self is
// bound by none. 0 bytes mean no bound.
type Bounds struct {
	Self     crdt.Author
	Branches int // of one feed
	Authors  int
	Share    uint64 // bytes of one author
	Quota    uint64 // bytes of all but Self together
}

// branchesAHead bounds the branches of one feed that are kept, those that end below its floor included, in multiples of
// Bounds.Branches.
const branchesAHead = 4

// Full reports whether no more branches are taken of a feed. Those that end below its floor are no heads:
// other nodes may have forgotten them, and here they count for little.
func (b Bounds) Full(f crdt.Feed) bool {
	return len(f.Heads()) >= b.Branches || len(f.Branches) >= branchesAHead*b.Branches
}

// Beyond returns which bound is in the way of another op, of so many bytes, of a feed; "" if none is. Beside what s holds
// so many feeds have begun, and others have taken so much room.
func (b Bounds) Beyond(s *State, f *record.Feed, size, begun int, taken uint64) string {
	room := uint64(size + OpRoom)
	switch {
	case f.Feed.Author == b.Self:
		return ""
	case f.Feed.IsZero() && len(s.Feeds)+begun+1 > b.Authors:
		return ShutAuthors
	case b.Share > 0 && Room(f)+room > b.Share:
		return ShutShare
	case b.Quota > 0 && s.RoomOfOthers(b.Self)+taken+room > b.Quota:
		return ShutQuota
	}
	return ""
}

// Roomier opens again the authors who were shut for want of room, those that were turned away too, once there is some: a
// sixteenth of what there may be, so that they do not come and go with each op.
func (b Bounds) Roomier(s *State, turned *Turned) {
	less := b
	less.Share -= less.Share / 16
	less.Quota -= less.Quota / 16
	less.roomy(s)
	if b.Quota == 0 || s.RoomOfOthers(b.Self) < less.Quota {
		maps.DeleteFunc(turned.authors, func(_ crdt.Author, why string) bool { return why != ShutAuthors })
	}
}

// roomy opens again the authors who are within the bounds.
func (b Bounds) roomy(s *State) {
	if s.Shut == 0 {
		return
	}
	others := s.RoomOfOthers(b.Self)
	for a, f := range s.Feeds {
		within := b.Share == 0 || Room(f) < b.Share
		if f.Shut == ShutShare && within || f.Shut == ShutQuota && within && (b.Quota == 0 || others < b.Quota) {
			s.ShutFor(a, "")
		}
	}
}

// Reopen takes more again of all authors of whom it may: what had shut them may have gone, since a limit was raised or the
// file mended. What is in the file is brought up to date when the feed changes.
func (b Bounds) Reopen(s *State) {
	b.roomy(s)
	for a, f := range s.Feeds {
		if f.Shut == ShutDamaged || f.Shut == ShutBranches && !b.Full(f.Feed) {
			s.ShutFor(a, "")
		}
	}
}

// ShutFor keeps why no more is taken of a; with "" more is.
func (s *State) ShutFor(a crdt.Author, reason string) {
	f := &record.Feed{Feed: crdt.Feed{Author: a}}
	if held := s.Feeds[a]; held != nil {
		f = held.Clone()
	}
	f.Shut = reason
	s.Set(a, f)
}

// maxTurned bounds the authors that were turned away whose names are kept.
const maxTurned = 4096

// Turned is the authors of whom nothing is held, and nothing is taken for want of room. They are many where
// somebody makes them up, so the first ones are remembered, and of the others that there are some.
type Turned struct {
	authors map[crdt.Author]string // why; at most maxTurned
	More    bool
}

// Away takes note that an author was turned away. The first reason stays.
func (t *Turned) Away(a crdt.Author, reason string) {
	switch _, known := t.authors[a]; {
	case known:
	case len(t.authors) >= maxTurned:
		t.More = true
	case t.authors == nil:
		t.authors = map[crdt.Author]string{a: reason}
	default:
		t.authors[a] = reason
	}
}

// Len returns how many authors are remembered.
func (t *Turned) Len() int { return len(t.authors) }

// WhyShut yields the authors who were turned away or are shut, and why. Of one who is both it yields the latter last.
func (s *State) WhyShut(turned *Turned) iter.Seq2[crdt.Author, string] {
	return func(yield func(crdt.Author, string) bool) {
		for a, why := range turned.authors {
			if !yield(a, why) {
				return
			}
		}
		if s.Shut == 0 {
			return
		}
		for a, f := range s.Feeds {
			if f.Shut != "" && !yield(a, f.Shut) {
				return
			}
		}
	}
}
