package elsewhere

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
)

// Replication is what is waited for: all that is set. Something is.
type Replication struct {
	Nodes int           // so many other nodes hold the entry, members and guests
	All   bool          // all members hold it; there is at least one
	Names []crdt.Author // these hold it, members or not
}

// ErrNothingWanted is returned for a [Replication] that asks for nothing.
var ErrNothingWanted = errors.New("expected a number of nodes, all, or names to wait for")

func (r Replication) check() error {
	if r.Nodes < 0 {
		return fmt.Errorf("expected a number of nodes to wait for, got %d", r.Nodes)
	}
	if r.Nodes == 0 && !r.All && len(r.Names) == 0 {
		return ErrNothingWanted
	}
	return nil
}

// key tells one Replication from another.
func (r Replication) key() string { return fmt.Sprint(r.Nodes, r.All, r.Names) }

// height is how far one node holds a feed.
type height struct {
	author crdt.Author
	member bool
	next   uint64 // it holds what lies below that
}

// reached returns the height that a feed has reached everywhere where it is wanted.
func (r Replication) reached(heights []height) uint64 {
	reached, all, members := uint64(crdt.MaxSeq), uint64(crdt.MaxSeq), 0
	nexts := make([]uint64, 0, len(heights))
	of := make(map[crdt.Author]uint64, len(heights))
	for _, h := range heights {
		nexts = append(nexts, h.next)
		of[h.author] = h.next
		if h.member {
			members++
			all = min(all, h.next)
		}
	}
	if r.All && members == 0 {
		all = 0
	}
	if r.All {
		reached = min(reached, all)
	}
	for _, a := range r.Names {
		reached = min(reached, of[a])
	}
	if r.Nodes > len(nexts) {
		return 0
	}
	if r.Nodes > 0 {
		slices.Sort(nexts)
		reached = min(reached, nexts[len(nexts)-r.Nodes])
	}
	return reached
}

// Met reports whether the receipts of an entry are what is wanted.
func (r Replication) Met(receipts []Receipt) bool {
	heights := make([]height, len(receipts))
	for i, o := range receipts {
		heights[i] = height{author: o.Author, member: o.Member}
		if o.Holding == Holds {
			heights[i].next = 1
		}
	}
	return r.reached(heights) > 0
}

// NotReplicatedError is returned by [Ledger.Wait] where an entry has not come as far as was wanted when ctx ended. The
// entry stays, and goes on being replicated.
type NotReplicatedError struct {
	Place  crdt.Place
	Has    []Receipt // those that hold it
	HasNot []Receipt // the other members, those that were named, and the guests that are linked
	Err    error     // why ctx ended
}

func (e *NotReplicatedError) Error() string {
	of := make(map[Holding][]string)
	for _, r := range slices.Concat(e.Has, e.HasNot) {
		of[r.Holding] = append(of[r.Holding], r.Author.Short())
	}
	var said []string
	for _, h := range []Holding{Holds, Lacks, Unheard, Trimmed, Pruned, Shut} {
		if len(of[h]) > 0 {
			said = append(said, phrases[h]+" "+strings.Join(of[h], ", "))
		}
	}
	if len(said) == 0 {
		said = []string{"no other node is known"}
	}
	return fmt.Sprintf("%s is durable here and not replicated as wanted: %s: %v", e.Place, strings.Join(said, "; "), e.Err)
}

// Unwrap returns why the wait ended.
func (e *NotReplicatedError) Unwrap() error { return e.Err }

var phrases = map[Holding]string{
	Holds: "held by", Lacks: "not held by", Unheard: "not heard of from", Trimmed: "perhaps without its body at",
	Pruned: "perhaps forgotten by its author's leave at", Shut: "its author is shut at",
}

// notReplicated returns the error for the receipts of the entry at p.
func (r Replication) notReplicated(p crdt.Place, receipts []Receipt, err error) error {
	e := &NotReplicatedError{Place: p, Err: err}
	for _, o := range receipts {
		if o.Holding == Holds {
			e.Has = append(e.Has, o)
		} else {
			e.HasNot = append(e.HasNot, o)
		}
	}
	return e
}
