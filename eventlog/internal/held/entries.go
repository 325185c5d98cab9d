package held

import "github.com/quipulog/quipu/crdt"

// Entries are those that a frontier stands for, as far as they had arrived when it was looked up. They take the memory of
// the frontier, and of the ids of the ops on the branches of authors who have forked.
type Entries struct {
	bound uint64 // offsets from here on arrived later
	feeds map[crdt.Author]stretch
}

// stretch is what of one feed is in.
type stretch struct {
	below    uint64 // every entry below is in it
	ops      map[crdt.OpID]struct{}
	disputed uint64 // of what is in it, the entries from here on are
	count    uint64 // of the entries in it, those that were pruned included
}

// UpTo returns the entries that f stands for of those below offset bound: on each branch everything up to its head. feed
// returns what is held of an author now. Of heads that are not held it says only which they are.
func (l Log) UpTo(f crdt.Frontier, bound uint64, feed func(crdt.Author) crdt.Feed) (in *Entries, lacking crdt.Frontier, err error) {
	in, lacking = &Entries{bound: bound, feeds: make(map[crdt.Author]stretch, len(f))}, crdt.Frontier{}
	for author, heads := range f.All() {
		s, lacks, err := l.below(author, heads, feed(author))
		if err != nil {
			return nil, nil, err
		}
		if len(lacks) > 0 {
			lacking[author] = lacks
		}
		in.feeds[author] = s
	}
	return in, lacking, nil
}

// below finds what lies below the heads of one author, and which heads are not held.
func (l Log) below(author crdt.Author, heads []crdt.Head, feed crdt.Feed) (s stretch, lacks []crdt.Head, err error) {
	disputed, forked := feed.Disputed()
	if !forked {
		disputed = crdt.MaxSeq
		if ends := feed.Heads(); len(heads) == 1 && len(ends) == 1 && heads[0] == ends[0] {
			return stretch{below: heads[0].Next, disputed: crdt.MaxSeq, count: heads[0].Next}, nil, l.Ended() // all of it, as most often
		}
	}
	s.ops, s.disputed = make(map[crdt.OpID]struct{}), crdt.MaxSeq
	first := make(map[crdt.OpID]uint64) // where what comes after an op begins, by that op
	for _, head := range heads {
		s.below = max(s.below, min(head.Next, disputed))
		op, found, err := l.Find(author, head)
		if err != nil {
			return s, nil, err
		}
		if !found {
			lacks = append(lacks, head)
		}
		// Back along the branch, as far as it is disputed or until what another head brought.
		for found && op.Next() > disputed {
			if _, known := s.ops[op.ID]; known {
				break
			}
			s.ops[op.ID] = struct{}{}
			s.count += op.Count
			if begins, two := first[op.Prev]; two {
				s.disputed = min(s.disputed, begins)
			}
			first[op.Prev] = op.First
			if err := l.Ended(); err != nil {
				return s, nil, err
			}
			if op, found, err = l.Find(author, crdt.Head{Next: op.First, ID: op.Prev}); err != nil {
				return s, nil, err
			}
		}
	}
	s.count += s.below
	return s, lacks, nil
}

// Count returns how many they are, those included that were pruned.
func (in *Entries) Count() (n uint64) {
	for _, s := range in.feeds {
		n += s.count
	}
	return n
}

// Disputes reports whether e, which is one of them, is disputed where nothing else is held.
func (in *Entries) Disputes(e *crdt.Entry) bool { return e.Seq >= in.feeds[e.Author].disputed }

// Has reports whether e, which arrived at offset, is one of them.
func (in *Entries) Has(e *crdt.Entry, offset uint64) bool {
	feed, known := in.feeds[e.Author]
	if !known || offset >= in.bound {
		return false
	}
	if e.Seq < feed.below {
		return true
	}
	_, on := feed.ops[e.Op]
	return on
}
