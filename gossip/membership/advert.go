package membership

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/quipulog/quipu/crdt"
)

const (
	advertVersion = 1
	// maxAdvertHeads bounds the heads of one author in a message; of a feed with more, the highest
	// are named.
	maxAdvertHeads = 8
	// maxAdverts bounds the authors that wait to be advertised, and those that hints are kept of.
	maxAdverts = 1024

	authorSize = len(crdt.Author{})
	headSize   = 8 + len(crdt.OpID{})
)

// errAdvert is returned for bytes that are no adverts.
var errAdvert = errors.New("malformed adverts")

// Advert says that its sender holds some heads of an author's feed. It is a hint.
type Advert struct {
	Author crdt.Author
	Heads  []crdt.Head // sorted by (next, id); not empty
}

// size returns the bytes of a in a message.
func (a Advert) size() int { return authorSize + 1 + len(a.Heads)*headSize }

// next returns the height that a claims.
func (a Advert) next() uint64 { return a.Heads[len(a.Heads)-1].Next }

// A message of adverts:
//
//	version (1) ‖ author (32) ‖ number of heads (1) ‖ next (8) ‖ id (32) ‖ next … ‖ author …

func appendAdvert(b []byte, a Advert) []byte {
	b = append(append(b, a.Author[:]...), byte(len(a.Heads)))
	for _, h := range a.Heads {
		b = append(binary.BigEndian.AppendUint64(b, h.Next), h.ID[:]...)
	}
	return b
}

// strictly compares heads so that one that stands there twice is out of order.
func strictly(h, o crdt.Head) int { return cmp.Or(h.Compare(o), -1) }

// parseAdverts reads a message. What it returns shares no memory with b.
func parseAdverts(b []byte) ([]Advert, error) {
	if len(b) == 0 || b[0] != advertVersion {
		return nil, errAdvert
	}
	var adverts []Advert
	for b = b[1:]; len(b) > 0; {
		if len(b) < authorSize+1 {
			return nil, errAdvert
		}
		a := Advert{Author: crdt.Author(b[:authorSize])}
		n := int(b[authorSize])
		b = b[authorSize+1:]
		if n == 0 || n > maxAdvertHeads || len(b) < n*headSize {
			return nil, errAdvert
		}
		for range n {
			h := crdt.Head{Next: binary.BigEndian.Uint64(b), ID: crdt.OpID(b[8:headSize])}
			if h.Next == 0 || h.Next >= crdt.MaxSeq || h.ID.IsZero() {
				return nil, errAdvert
			}
			a.Heads = append(a.Heads, h)
			b = b[headSize:]
		}
		if !slices.IsSortedFunc(a.Heads, strictly) {
			return nil, errAdvert
		}
		adverts = append(adverts, a)
	}
	return adverts, nil
}

// board holds the adverts that still have to be sent, one for each author, each some times more:
// RetransmitMult · ⌈log10(members + 1)⌉ as memberlist's own.
type board struct {
	mu sync.Mutex
	// The field below is guarded by mu.

	waiting map[crdt.Author]*posted
}

type posted struct {
	Advert
	sent int
}

// post puts up an advert in the place of an older one of the same author. A full board takes no new
// authors; anti-entropy will find what they have.
func (b *board) post(a Advert) {
	a.Heads = slices.Clone(a.Heads[max(0, len(a.Heads)-maxAdvertHeads):])
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting[a.Author] == nil && len(b.waiting) >= maxAdverts {
		return
	}
	b.waiting[a.Author] = &posted{Advert: a}
}

// empty reports whether there is nothing to say.
func (b *board) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) == 0
}

// message returns adverts of at most limit bytes, those first that were sent least often, and takes
// down what has been sent times times. It returns nil when there is nothing to say.
func (b *board) message(limit, times int) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return nil
	}
	order := make([]*posted, 0, len(b.waiting))
	for _, p := range b.waiting {
		order = append(order, p)
	}
	slices.SortFunc(order, func(p, q *posted) int {
		return cmp.Or(cmp.Compare(p.sent, q.sent), p.Author.Compare(q.Author))
	})
	msg := []byte{advertVersion}
	for _, p := range order {
		if len(msg)+p.size() > limit {
			break
		}
		msg = appendAdvert(msg, p.Advert)
		if p.sent++; p.sent >= times {
			delete(b.waiting, p.Author)
		}
	}
	if len(msg) == 1 {
		return nil
	}
	return msg
}

// transmissions returns how often an advert is sent among members.
func transmissions(members int) int {
	const retransmitMult = 4
	return retransmitMult * int(math.Ceil(math.Log10(float64(members+1))))
}
