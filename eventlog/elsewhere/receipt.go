package elsewhere

import (
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog/retention"
)

// Holding is what is proven of a node and an entry.
type Holding uint8

const (
	// Unheard: the node has said nothing since the entry came here that would tell, or since its process or this one
	// began; or it is no member, and not linked any more.
	Unheard Holding = iota
	// Lacks: when it last said what it holds, it did not have the entry.
	Lacks
	// Holds: it has the entry durably, with its body.
	Holds
	// Trimmed: it has the entry, whose body it may have dropped by its policy.
	Trimmed
	// Pruned: it had the entry, which by its author's leave it may have forgotten.
	Pruned
	// Shut: it takes no more of the entry's author.
	Shut
)

var holdings = []string{"unheard", "lacks", "holds", "trimmed", "pruned", "shut"}

// String returns "unheard", "lacks", "holds", "trimmed", "pruned" or "shut".
func (h Holding) String() string { return enum.Text(h, "holding", holdings...) }

// MarshalText returns the text form.
func (h Holding) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText takes the text form.
func (h *Holding) UnmarshalText(text []byte) (err error) {
	*h, err = enum.Parse[Holding](string(text), "holding", holdings...)
	return err
}

// Receipt is what is proven of one node and an entry.
type Receipt struct {
	Author  crdt.Author // whose node it is
	Member  bool        // it is a member; else a guest, which counts while it is linked
	Holding Holding
	Heard   time.Time // when the node's present process last said what it holds; zero if it has not since ours began
}

// Standing is what another node last said itself, on its own link, of what it holds of one feed.
type Standing struct {
	Author crdt.Author // whose node it is
	Member bool
	Linked bool
	Heard  time.Time // when it last said something of the feed; zero if its present process has not since ours began
	// Heads are those that it named, and those that were ours when both were seen to hold the same.
	Heads []crdt.Head
	// Below is an offset: of the feed, it has all that arrived here before that.
	Below uint64
	// Told is an offset: what arrived here before that was here when it last said all that it holds.
	Told uint64
	Shut bool // it takes no more of the author
	// Keeps is what it does not forget; nil where that is not known.
	Keeps *Keeps
}

// Keeps is what a node does not forget by its policy.
type Keeps struct {
	Bodies    bool          // it drops the body of no op
	Forgotten bool          // it keeps what authors have given leave to forget
	Age       time.Duration // it drops no body below this age,
	Entries   uint64        // and none with fewer entries of the feed above it
}

// body reports whether the node is bound to have the body of an op of a feed that reaches up to next: one that is not taken
// without its body by such a policy is not trimmed by it either.
func (k *Keeps) body(op crdt.Header, next uint64, now time.Time) bool {
	if k == nil {
		return op.Retention != crdt.Trimmable
	}
	policy := retention.Policy{KeepBodies: k.Bodies, MinAge: k.Age, MinCount: k.Entries}
	return !policy.MayBeStripped(op, max(next, op.Next()), now)
}

// forgotten reports whether the node keeps what its author has given leave to forget.
func (k *Keeps) forgotten() bool { return k != nil && k.Forgotten }

// counts reports whether what the node said still counts: a guest's does while it is linked.
func (s Standing) counts() bool { return s.Member || s.Linked }

// Receipts is what the other nodes said. Its methods may be called from any goroutine, and do not wait.
type Receipts interface {
	// Of returns where each other node that is known stands with a feed: at most one standing an author.
	Of(feed crdt.Author) []Standing
	// Changed returns a channel that is closed when a standing changes.
	Changed() <-chan struct{}
	// Hurry asks the other nodes to say soon how far they hold this node's own feed: somebody waits for it.
	Hurry()
}
