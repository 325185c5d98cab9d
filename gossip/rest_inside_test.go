package gossip

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transient"
)

// digestLog is as much of a log as the roots of a link need.
type digestLog struct {
	Log
	digest crdt.Digest
}

func (l *digestLog) Digest() crdt.Digest { return l.digest }
func (*digestLog) Shut() []crdt.Author   { return nil }

// That both ends stood at a root is no reason to rest for one that has moved on by the time it takes note: it would not
// be told again that it has.
func TestAnEqualityThatIsOverIsNoRest(t *testing.T) {
	log, now := new(digestLog), time.Now()
	p := &peering{link: &link{roots: &roots{log: log}, transient: new(transient.Lane)}}
	old := log.Digest().Root()
	log.digest = log.digest.With(crdt.Author{1}, []crdt.Head{{Next: 1}})
	p.rest(old, now, time.Minute)
	if p.resting || !p.nextOffer.IsZero() || p.equalAt != now {
		t.Errorf("at a root that it has left: rests %v, next offer at %s, equal at %s", p.resting, p.nextOffer, p.equalAt)
	}
	p.rest(log.Digest().Root(), now, time.Minute)
	if !p.resting || p.nextOffer != now.Add(time.Minute) {
		t.Errorf("at its root: rests %v, next offer at %s", p.resting, p.nextOffer)
	}
}
