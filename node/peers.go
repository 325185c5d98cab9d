package node

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
	"github.com/quipulog/quipu/node/folder"
)

// peers is whom a log asks where its own feed ends: the members. The log is opened before there is a gossip that
// could ask them.
type peers struct {
	anybody bool          // a place to join is configured, or a member is remembered
	after   time.Duration // how long a member that is not heard of is waited for; 0 is for ever
	met     chan struct{} // closed when gossip is set
	gossip  *gossip.Gossip

	mu   sync.Mutex // guards what follows
	word api.RecoverRequest
	said chan struct{} // closed when the word changes
	copy error         // that a process with our key was met; nil for not
}

var _ eventlog.AskedPeers = (*peers)(nil)

func newPeers(anybody bool, after time.Duration) *peers {
	return &peers{anybody: anybody, after: after, met: make(chan struct{}), said: make(chan struct{})}
}

// knowsAnybody reports whether there is anybody to ask: a place to join, or a member that the folder remembers. A
// peers.json that cannot be read named somebody.
func knowsAnybody(f folder.Folder, join []string) bool {
	remembered, err := f.ReadPeers(time.Now())
	return len(join) > 0 || len(remembered) > 0 || err != nil
}

// leaveToDaemon has a log that a command has opened append nothing where the daemon would ask first. A soft reason, which
// costs the daemon a moment, costs the command nothing.
func (p *peers) leaveToDaemon(log *eventlog.Log, f folder.Folder, join []string) {
	state := log.Recovering()
	p.anybody = state != nil && !state.Why.Soft() && knowsAnybody(f, join)
}

// meet says who asks. It is called once.
func (p *peers) meet(g *gossip.Gossip) {
	p.gossip = g
	close(p.met)
}

// OwnEnd asks all members that count, or one for a soft reason, as the operator says: see [gossip.Gossip.AskOwnEnd].
func (p *peers) OwnEnd(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
	select {
	case <-p.met:
	case <-ctx.Done():
		return eventlog.Recovery{}, context.Cause(ctx)
	}
	for {
		r, err := p.ask(ctx, why)
		if err == nil || ctx.Err() != nil || !errors.Is(err, errSaid) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.copy = nil
			if errors.Is(err, gossip.ErrCopyRuns) {
				p.copy = err
			}
			return r, err
		}
	}
}

// errSaid ends an asking since the operator has said something else.
var errSaid = errors.New("the operator has spoken")

// ask asks until the end is known or the operator speaks.
func (p *peers) ask(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
	p.mu.Lock()
	word, said := p.word, p.said
	p.mu.Unlock()
	asking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-said:
			cancel(errSaid)
		case <-asking.Done():
		}
	}()
	end, err := p.gossip.AskOwnEnd(asking, gossip.OwnEndQuestion{
		Soft: why.Why.Soft(), Alone: word.Alone, Without: word.Without, Places: word.Places, After: p.after,
	})
	alone := word.Alone && errors.Is(err, gossip.ErrNobodyAsked)
	switch {
	case errors.Is(context.Cause(asking), errSaid) && err != nil:
		err = errSaid
	case alone && asking.Err() == nil:
		err = nil
	}
	return eventlog.Recovery{
		End: end.End, Asked: end.Asked, Missing: gossip.Authors(end.Missing), Without: gossip.Authors(end.Without), Alone: alone,
	}, err
}

// say takes the operator's word, beside what was said before.
func (p *peers) say(word api.RecoverRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.word.Alone = p.word.Alone || word.Alone
	p.word.Without = slices.Concat(p.word.Without, word.Without)
	p.word.Places = slices.Concat(p.word.Places, word.Places)
	close(p.said)
	p.said = make(chan struct{})
}

// settled forgets what was said and met: the end of our feed is known again.
func (p *peers) settled() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.word, p.copy = api.RecoverRequest{}, nil
}

// copyRuns returns that a process with our key was met when the members were last asked, nil if not.
func (p *peers) copyRuns() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.copy
}

// Missing returns who has not been asked yet, while anybody is being asked.
func (p *peers) Missing() []crdt.Author {
	select {
	case <-p.met:
	default:
		return nil
	}
	if progress := p.gossip.OwnEndProgress(); progress != nil {
		return gossip.Authors(progress.Missing)
	}
	return nil
}

// Anybody reports whether there is anybody to ask.
func (p *peers) Anybody() bool { return p.anybody }
