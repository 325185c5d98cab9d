package bundle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/wire"
)

// magic begins every bundle of version 1; family begins those of every version.
const (
	family = "quipu bundle "
	magic  = family + "1\n"
)

// The kinds of the frames that only a bundle has. They are none of package wire's.
const (
	kindHead wire.Kind = 0x80
	kindEnd  wire.Kind = 0x81
)

// The rounds of the vectors of a bundle.
const (
	roundSince = 0
	roundUpto  = 1
)

const (
	// MaxHeads bounds the heads of each of the two frontiers of a bundle: with the authors they are
	// about 100 MB in memory.
	MaxHeads = 1 << 19
	// maxLacks bounds the lacks and the refusals that a report lists.
	maxLacks = 1000
	// batch is how many bytes of ops are applied together.
	batch = 4 << 20
)

// The sizes of the frames that only a bundle has, in bytes.
const (
	headerSize = 5
	headLeast  = len(crdt.LogID{}) + len(crdt.Author{}) + 8 + 2
	endSize    = 8 + 8 + len(crdt.Hash{})
)

// ErrNotBundle is returned for bytes that do not begin like a bundle.
var ErrNotBundle = errors.New("not a bundle")

// ErrHead is wrapped by the error for a bundle whose head cannot be read: nothing of it can be used.
var ErrHead = errors.New("the bundle's head cannot be read")

// OtherLogError is returned by [Apply] for a bundle of another log.
type OtherLogError struct {
	Bundle, Log crdt.LogID
}

func (e *OtherLogError) Error() string {
	return fmt.Sprintf("the bundle is of log %s, this node holds log %s", e.Bundle, e.Log)
}

// Source is what [Create] needs of a log.
type Source interface {
	ID() crdt.LogID
	Author() crdt.Author
	Genesis() (crdt.Genesis, bool)
	Frontier() crdt.Frontier
	Reader
}

// Reader is the part of a [Source] that reads from the disk, as in a sync with a peer.
type Reader interface {
	// Wants returns a want for each author of whom theirs has a head that is not held.
	Wants(ctx context.Context, theirs crdt.Frontier, limit int) ([]crdt.Want, error)
	// Plan and Read give what lies beyond the locator of a want, run by run; an empty run ends a
	// segment.
	Plan(context.Context, crdt.Want) ([]crdt.Segment, error)
	Read(ctx context.Context, seg *crdt.Segment, maxBytes int) (crdt.Run, error)
}

// Target is what [Apply] needs of a log.
type Target interface {
	ID() crdt.LogID
	Genesis() (crdt.Genesis, bool)
	SetGenesis(crdt.Genesis) error
	Feed(crdt.Author) crdt.Feed
	Wants(ctx context.Context, theirs crdt.Frontier, limit int) ([]crdt.Want, error)
	// Apply verifies and stores runs and returns an outcome for each; its error is this node's fault.
	Apply(context.Context, []crdt.Run) ([]crdt.Outcome, error)
}

// Head is what a bundle says of itself before its ops. It is not signed.
type Head struct {
	Log     crdt.LogID
	Genesis []byte      // encoded; empty where its maker did not know it
	Author  crdt.Author // whose node made it
	Made    time.Time   // to the millisecond
	// Since is what whoever applies the bundle should hold already, Upto what they then hold too. Of
	// a bundle that is damaged, either may lack authors.
	Since, Upto crdt.Frontier
}

// Lack is a part of a feed that a bundle promises and that is not there.
type Lack struct {
	Author crdt.Author `json:"author"`
	// Held is the seq up to which the feed is there, Upto that at which the missing branch ends. When
	// Upto is not above Held, what is missing is another branch of the feed.
	Held uint64 `json:"held"`
	Upto uint64 `json:"upto"`
	// Reason says in words why it is not there.
	Reason string `json:"reason"`
}

// String returns the lack for people.
func (l Lack) String() string {
	if l.Upto <= l.Held {
		return fmt.Sprintf("%s: a branch that ends at seq %d: %s", l.Author, l.Upto, l.Reason)
	}
	return fmt.Sprintf("%s: from seq %d on, up to seq %d: %s", l.Author, l.Held, l.Upto, l.Reason)
}
