// Package asked is the members of a node as its log asks them: where its own feed ends, as the node's operator says who
// need not answer, and what they hold. The log is opened before there is a gossip that could ask.
package asked

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/api"
)

// Members is whom a log asks. Its methods may be called from any goroutine.
type Members struct {
	anybody bool          // a place to join is configured, or a member is remembered
	after   time.Duration // how long a member that is not heard of is waited for; 0 is for ever
	met     chan struct{} // closed when gossip is set
	gossip  *gossip.Gossip

	mu   sync.Mutex // guards what follows
	word api.RecoverRequest
	said chan struct{} // closed when the word changes
	copy error         // that a process with our key was met, when it was last; nil for never
	seen time.Time
}

var _ eventlog.AskedPeers = (*Members)(nil)

// New returns the members before anybody can be asked: whether there is anybody at all, a place to join or a member that
// is remembered, and how long one that is not heard of is waited for, 0 for ever.
func New(anybody bool, after time.Duration) *Members {
	return &Members{anybody: anybody, after: after, met: make(chan struct{}), said: make(chan struct{})}
}

// Expect says that there is somebody to ask after all. It is called before anything is appended.
func (m *Members) Expect() { m.anybody = true }

// Meet says who asks. It is called once.
func (m *Members) Meet(g *gossip.Gossip) {
	m.gossip = g
	close(m.met)
}

// OwnEnd asks all members that count, or one for a soft reason, as the operator says: see [gossip.Gossip.AskOwnEnd].
func (m *Members) OwnEnd(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
	select {
	case <-m.met:
	case <-ctx.Done():
		return eventlog.Recovery{}, context.Cause(ctx)
	}
	for {
		r, err := m.ask(ctx, why)
		if err == nil || ctx.Err() != nil || !errors.Is(err, errSaid) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if errors.Is(err, gossip.ErrCopyRuns) {
				m.copy, m.seen = err, time.Now()
			}
			return r, err
		}
	}
}

// errSaid ends an asking since the operator has said something else.
var errSaid = errors.New("the operator has spoken")

// ask asks until the end is known or the operator speaks.
func (m *Members) ask(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
	m.mu.Lock()
	word, said := m.word, m.said
	m.mu.Unlock()
	asking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-said:
			cancel(errSaid)
		case <-asking.Done():
		}
	}()
	end, err := m.gossip.AskOwnEnd(asking, gossip.OwnEndQuestion{
		Soft: why.Why.Soft(), Alone: word.Alone, Without: word.Without, Places: word.Addrs, After: m.after,
	})
	alone := word.Alone && errors.Is(err, gossip.ErrNobodyAsked)
	switch {
	case errors.Is(context.Cause(asking), errSaid) && err != nil:
		err = errSaid
	case alone && asking.Err() == nil:
		err = nil
	}
	return eventlog.Recovery{
		End: end.End, Asked: end.Asked, Missing: gossip.Authors(end.Missing), Without: gossip.Authors(end.Without),
		Places: gossip.Places(slices.Concat(end.Missing, end.Without)), Alone: alone,
	}, err
}

// Say takes the operator's word, beside what was said before.
func (m *Members) Say(word api.RecoverRequest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.word.Without) + len(m.word.Addrs)
	for _, a := range word.Without {
		if !slices.Contains(m.word.Without, a) {
			m.word.Without = append(slices.Clip(m.word.Without), a)
		}
	}
	for _, place := range word.Addrs {
		if !slices.Contains(m.word.Addrs, place) {
			m.word.Addrs = append(slices.Clip(m.word.Addrs), place)
		}
	}
	if len(m.word.Without)+len(m.word.Addrs) == before && (m.word.Alone || !word.Alone) {
		return // and whoever is asked is not asked anew
	}
	m.word.Alone = m.word.Alone || word.Alone
	close(m.said)
	m.said = make(chan struct{})
}

// Settled forgets what was said and met: the end of our feed is known again.
func (m *Members) Settled() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.word, m.copy = api.RecoverRequest{}, nil
}

// copyFor is how long a process with our key counts as running after an asking ended since it was met: while it runs,
// each ends so at once.
const copyFor = 5 * time.Second

// CopyRuns returns that a process with our key is met, nil if not.
func (m *Members) CopyRuns() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.seen) > copyFor {
		return nil
	}
	return m.copy
}

// Missing returns who has not been asked yet, while anybody is being asked.
func (m *Members) Missing() []crdt.Author {
	if g := m.now(); g != nil {
		if progress := g.OwnEndProgress(); progress != nil {
			return gossip.Authors(progress.Missing)
		}
	}
	return nil
}

// Anybody reports whether there is anybody to ask.
func (m *Members) Anybody() bool { return m.anybody }
