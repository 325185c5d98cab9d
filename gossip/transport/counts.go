package transport

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/rarely"
)

// Reason says in a word why a connection came to nothing.
type Reason string

const (
	ReasonSecret      Reason = "secret"      // the peer did not prove our secret: ErrSecret
	ReasonProto       Reason = "proto"       // no common protocol: ErrProto
	ReasonKey         Reason = "key"         // no usable key: ErrCertificate, crdt.ErrAuthor
	ReasonWrongPeer   Reason = "wrong-peer"  // dialling: another author answered
	ReasonTimeout     Reason = "timeout"     // the handshake took too long
	ReasonCrowded     Reason = "crowded"     // accepting: too many half-open connections
	ReasonFull        Reason = "full"        // accepting: too many connections
	ReasonPeerFull    Reason = "peer-full"   // accepting: too many connections of one peer
	ReasonUnclaimed   Reason = "unclaimed"   // accepting: nobody called Accept in time
	ReasonUnreachable Reason = "unreachable" // dialling: no connection
	ReasonHandshake   Reason = "handshake"   // whatever else went wrong in the handshake
)

// Reasons are all that there are.
var Reasons = []Reason{
	ReasonSecret, ReasonProto, ReasonKey, ReasonWrongPeer, ReasonTimeout, ReasonCrowded, ReasonFull, ReasonPeerFull, ReasonUnclaimed,
	ReasonUnreachable, ReasonHandshake,
}

// Counts is what a transport has seen since it was made. The maps are the caller's and hold no zeros.
type Counts struct {
	Open     int // connections whose peer is known, accepted and dialled
	HalfOpen int // accepted connections whose peer is not known yet

	Accepted uint64            // connections that Accept returned
	Dialled  uint64            // connections that Dial returned
	Refused  map[Reason]uint64 // connections refused on the accepting side
	Failed   map[Reason]uint64 // dials that returned an error, except those that their caller cancelled

	Unlogged uint64 // refusals that were counted and not logged, to spare the log
}

// Counts returns a snapshot.
func (t *Transport) Counts() Counts {
	c := t.tally.snapshot()
	c.Open, c.HalfOpen = t.open.count(), t.halfOpen.count()
	c.Accepted, c.Dialled = t.accepted.Load(), t.dialled.Load()
	return c
}

// tally counts what came to nothing.
type tally struct {
	mu sync.Mutex
	// The fields below are guarded by mu.

	counts Counts
	logged rarely.Lines[struct{}] // refusals
}

func newTally() *tally {
	return &tally{
		counts: Counts{Refused: map[Reason]uint64{}, Failed: map[Reason]uint64{}},
		logged: rarely.Lines[struct{}]{Most: 10, Span: 10 * time.Second}, // strangers decide how many there are
	}
}

func (t *tally) failed(r Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Failed[r]++
}

// ofStrangers reports whether whoever opens a connection without a key, and perhaps without meaning this
// program at all, is refused for r.
func (r Reason) ofStrangers() bool {
	return r == ReasonHandshake || r == ReasonProto || r == ReasonTimeout
}

// refused counts a refusal and reports whether it is to be logged: if it is loud, while the log has room.
func (t *tally) refused(r Reason, loud bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Refused[r]++
	if !loud {
		return true
	}
	if !t.logged.Pass(struct{}{}, time.Now()) {
		t.counts.Unlogged++
		return false
	}
	return true
}

// repeated says in a refusal that is logged how many were not.
func (t *tally) repeated() slog.Attr { return t.logged.Repeated(struct{}{}) }

func (t *tally) snapshot() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	c.Refused, c.Failed = maps.Clone(c.Refused), maps.Clone(c.Failed)
	return c
}

// reasonOf returns the reason behind the error of a handshake.
func reasonOf(err error) Reason {
	if _, ok := errors.AsType[*WrongPeerError](err); ok {
		return ReasonWrongPeer
	}
	for _, known := range []struct {
		err    error
		reason Reason
	}{
		{ErrSecret, ReasonSecret},
		{ErrProto, ReasonProto},
		{ErrCertificate, ReasonKey},
		{crdt.ErrAuthor, ReasonKey},
		{errCrowded, ReasonCrowded},
		{errFull, ReasonFull},
		{errPeerFull, ReasonPeerFull},
		{errUnclaimed, ReasonUnclaimed},
		{errUnreachable, ReasonUnreachable},
		{os.ErrDeadlineExceeded, ReasonTimeout},
	} {
		if errors.Is(err, known.err) {
			return known.reason
		}
	}
	return ReasonHandshake
}
