package overlay

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Config says how many links a node wants. The zero value means the defaults.
type Config struct {
	// Small is up to how many members, this node among them, everyone is linked to everyone. Above,
	// links that are not needed stay until there are twice as many members, so that a cluster that
	// grows and shrinks about this size does not end links and dial them again. Default: 8.
	Small int

	// Few is how many members a node picks at random in a larger cluster. Default: 3.
	Few int

	// Most is how many links to members a node keeps in a larger cluster, whoever dialled them.
	// Default: 4 · (Few + 2), and not below Small.
	Most int

	// Rand picks. Default: a source of its own.
	Rand *rand.Rand
}

func (c Config) withDefaults() Config {
	if c.Small <= 0 {
		c.Small = 8
	}
	if c.Few <= 0 {
		c.Few = 3
	}
	if c.Most <= 0 {
		c.Most = 4 * (c.Few + 2)
	}
	c.Most = max(c.Most, c.Small, c.Few+2)
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return c
}

// Link is a link that stands, or one that this node is about to make.
type Link struct {
	Peer    crdt.Author
	Dialled bool      // by this node
	Since   time.Time // of one that is being made: now
}

// Choose returns the members that self should dial and the linked peers whose links it should end.
//
// Alive are the other members, each once and in an order that replays if the choice is to; those that
// could not be reached of late are left out, and the ring goes around them. Links are all links, those
// that are being made among them; a link to a peer that is not in alive is neither counted nor ended.
// Of two members both may choose the same link, as do neighbours on the ring: either may dial first.
//
// It costs time in proportion to the number of members.
func Choose(cfg Config, self crdt.Author, alive []crdt.Author, links []Link) (dial, end []crdt.Author) {
	cfg = cfg.withDefaults()
	v := look(self, alive, links)
	if len(v.members)+1 <= cfg.Small {
		return v.unlinked(v.members), nil
	}
	end = v.surplus(cfg)
	dial = v.unlinked(v.ring)
	if n := cfg.Few - len(v.picked); n > 0 {
		dial = append(dial, v.pick(n, cfg.Rand)...)
	}
	return dial, end
}

// view is what a node sees.
type view struct {
	members []crdt.Author // without this node
	ring    []crdt.Author // its neighbours: two, or less if there are less
	linked  map[crdt.Author]bool
	picked  []Link // to members that are no neighbours: dialled by this node, the oldest first
	taken   []Link // dialled by them, the oldest first
	ringed  int    // links to neighbours
}

func look(self crdt.Author, alive []crdt.Author, links []Link) *view {
	v := &view{members: make([]crdt.Author, 0, len(alive)), linked: make(map[crdt.Author]bool, len(links))}
	for _, l := range links {
		v.linked[l.Peer] = true
	}
	here := make(map[crdt.Author]bool, len(links)) // the linked peers that are members
	for _, a := range alive {
		if a == self {
			continue
		}
		v.members = append(v.members, a)
		if v.linked[a] {
			here[a] = true
		}
	}
	v.ring = neighbours(self, v.members)
	for _, l := range links {
		switch {
		case !here[l.Peer]:
		case slices.Contains(v.ring, l.Peer):
			v.ringed++
		case l.Dialled:
			v.picked = append(v.picked, l)
		default:
			v.taken = append(v.taken, l)
		}
	}
	slices.SortFunc(v.picked, oldestFirst)
	slices.SortFunc(v.taken, oldestFirst)
	return v
}

func oldestFirst(l, o Link) int { return cmp.Or(l.Since.Compare(o.Since), l.Peer.Compare(o.Peer)) }

// neighbours returns the members before and after self on the ring: in the order of keys, the least
// after the greatest.
func neighbours(self crdt.Author, members []crdt.Author) []crdt.Author {
	if len(members) == 0 {
		return nil
	}
	before, after := members[0], members[0]
	for _, a := range members[1:] {
		if follows(self, after, a) {
			after = a
		}
		if follows(self, a, before) {
			before = a
		}
	}
	if before == after {
		return []crdt.Author{after}
	}
	return []crdt.Author{before, after}
}

// follows reports whether b comes before a on the way around the ring from self.
func follows(self, a, b crdt.Author) bool {
	aWraps, bWraps := a.Compare(self) < 0, b.Compare(self) < 0
	if aWraps != bWraps {
		return aWraps
	}
	return b.Compare(a) < 0
}

// unlinked returns those of the members to whom there is no link.
func (v *view) unlinked(members []crdt.Author) []crdt.Author {
	var without []crdt.Author
	for _, a := range members {
		if !v.linked[a] {
			without = append(without, a)
		}
	}
	return without
}

// pick returns up to n members at random, from those that are neither linked nor neighbours.
func (v *view) pick(n int, r *rand.Rand) []crdt.Author {
	from := slices.DeleteFunc(v.unlinked(v.members), func(a crdt.Author) bool { return slices.Contains(v.ring, a) })
	n = min(n, len(from))
	for i := range n {
		j := i + r.IntN(len(from)-i)
		from[i], from[j] = from[j], from[i]
	}
	return from[:n]
}

// surplus returns the peers whose links are to be ended. First come links that this node dialled and
// needs no more, which the peer does not need either: else it would have dialled. Links that others
// dialled go only when there are too many, the newest first, so that nobody can crowd out those that
// have stood for long. Links to neighbours, and the few that were picked, stay.
func (v *view) surplus(cfg Config) []crdt.Author {
	spare := v.picked[min(cfg.Few, len(v.picked)):]
	above := max(0, v.ringed+len(v.picked)+len(v.taken)-cfg.Most)
	n := min(above, len(spare))
	if len(v.members)+1 > 2*cfg.Small {
		n = len(spare)
	}
	end := newest(spare, n)
	return append(end, newest(v.taken, min(max(0, above-n), len(v.taken)))...)
}

// newest returns the peers of the last n links.
func newest(links []Link, n int) []crdt.Author {
	var peers []crdt.Author
	for _, l := range slices.Backward(links[len(links)-n:]) {
		peers = append(peers, l.Peer)
	}
	return peers
}
