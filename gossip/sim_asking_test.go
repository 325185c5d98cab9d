package gossip_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
)

// simPeers is whom the log of a node asks where its own feed ends, in one run of the node. The operator may say
// meanwhile whom it goes on without.
type simPeers struct {
	node   *simNode
	met    chan struct{} // closed when gossip is set
	gossip *gossip.Gossip
	// unasked says that the feed was taken up without an answer from a place: whoever is there may hold more.
	unasked atomic.Bool

	mu sync.Mutex
	// The fields below are guarded by mu.

	question gossip.OwnEndQuestion
	again    context.CancelFunc // ends the asking that goes on, of which the question has changed
}

func newSimPeers(n *simNode) *simPeers {
	return &simPeers{node: n, met: make(chan struct{}), question: gossip.OwnEndQuestion{After: n.sim.sc.after}}
}

// Anybody: a node of the simulation always has a place to join.
func (*simPeers) Anybody() bool { return true }

func (p *simPeers) Missing() []crdt.Author {
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

func (p *simPeers) OwnEnd(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
	select {
	case <-p.met:
	case <-ctx.Done():
		return eventlog.Recovery{}, context.Cause(ctx)
	}
	for {
		asking, stop := context.WithCancel(ctx)
		p.mu.Lock()
		q := p.question
		p.again = stop
		p.mu.Unlock()
		q.Soft = why.Why.Soft()
		end, err := p.gossip.AskOwnEnd(asking, q)
		changed := asking.Err() != nil && ctx.Err() == nil
		stop()
		if err != nil && changed {
			continue
		}
		p.unasked.Store(slices.ContainsFunc(end.Without, func(m gossip.Absent) bool { return m.Author.IsZero() }))
		return eventlog.Recovery{
			End: end.End, Asked: end.Asked, Missing: gossip.Authors(end.Missing), Without: gossip.Authors(end.Without),
		}, err
	}
}

// without has the asking go on without whoever is missing now.
func (p *simPeers) without() {
	progress := p.gossip.OwnEndProgress()
	if progress == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range progress.Missing {
		if m.Author.IsZero() {
			p.question.Places = append(p.question.Places, m.Addr)
		} else {
			p.question.Without = append(p.question.Without, m.Author)
		}
	}
	p.again()
}

// askAlone asks whoever is linked, and nobody else.
func (p *simPeers) askAlone(ctx context.Context) (eventlog.Recovery, error) {
	end, err := p.gossip.AskOwnEnd(ctx, gossip.OwnEndQuestion{Alone: true})
	if errors.Is(err, gossip.ErrNobodyAsked) {
		err = nil
	}
	return eventlog.Recovery{End: end.End, Asked: end.Asked, Missing: gossip.Authors(end.Missing), Alone: true}, err
}

// between puts the flaw between a node's log and those whom it asks.
func (f flaw) between(p eventlog.AskedPeers) eventlog.AskedPeers {
	if f.peers == nil {
		return p
	}
	return f.peers(p)
}

// settleAgain is how long a node rests before it asks again where its feed ends, once that has failed.
const settleAgain = 5 * time.Second

// settle asks where the node's own feed ends whenever its log does not know, until ctx ends.
func (n *simNode) settle(ctx context.Context, log *eventlog.Log) {
	for ctx.Err() == nil {
		changed := log.Changed()
		var again <-chan time.Time
		if log.Settle(ctx) != nil {
			changed, again = nil, time.After(settleAgain)
		}
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done():
		}
	}
}

// memory is the file in a node's folder that says whom it has met.
func (n *simNode) memory() string { return filepath.Join(n.dir, "met.json") }

// remember writes down the members, as they are when a node ends.
func (n *simNode) remember() {
	all := make(map[crdt.Author]gossip.Remembered)
	for _, r := range n.met {
		all[r.Author] = r
	}
	for _, m := range n.Members() {
		if m.Author != n.author() {
			all[m.Author] = gossip.Remembered{Author: m.Author, Name: m.Name, Seen: time.Now(), Addrs: []string{m.Addr.String()}}
		}
	}
	met := slices.SortedFunc(maps.Values(all), func(a, b gossip.Remembered) int { return a.Author.Compare(b.Author) })
	n.meets(met)
	text, err := json.Marshal(met)
	if err == nil {
		err = os.WriteFile(n.memory(), text, 0o600)
	}
	if err != nil {
		n.sim.t.Fatal(err)
	}
}

// recall reads whom a node has met, as its folder says.
func (n *simNode) recall() {
	var met []gossip.Remembered
	text, err := os.ReadFile(n.memory())
	if err == nil {
		err = json.Unmarshal(text, &met)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.sim.t.Fatal(err)
	}
	n.meets(met)
}

func (n *simNode) meets(met []gossip.Remembered) {
	n.sim.mu.Lock()
	defer n.sim.mu.Unlock()
	n.met = met
}
