package feeds

import "github.com/quipulog/quipu/crdt"

// Stats is what is held of one feed.
type Stats struct {
	Author crdt.Author
	// Next is the seq behind the highest head. Entries are held, Trimmed of them without their bodies; Pruned were held here
	// and are no more; Missed lie between pieces that are held, and were pruned before they could come.
	Next, Entries, Trimmed, Pruned, Missed uint64
	// Bytes is about what the feed takes in the file.
	Bytes uint64
	// Clock is the greatest clock held that was not ahead when it came.
	Clock crdt.Clock
}

// Each calls visit with what is held of each feed, in no order.
func (s *State) Each(visit func(Stats)) {
	for a, f := range s.Feeds {
		held := Stats{
			Author: a, Next: f.Feed.Next(), Entries: f.Entries, Trimmed: f.Trimmed, Pruned: f.Pruned, Bytes: Room(f), Clock: f.Clock,
		}
		if len(f.Feed.Branches) > 1 {
			for _, m := range f.Feed.Missed() {
				held.Missed += m.To - m.From
			}
		}
		visit(held)
	}
}

// Authors returns of how many feeds something is held, and how many of them contradict themselves.
func (s *State) Authors() (held, forked int) {
	for _, f := range s.Feeds {
		if !f.Feed.IsZero() {
			held++
		}
		if f.Disputed() {
			forked++
		}
	}
	return held, forked
}
