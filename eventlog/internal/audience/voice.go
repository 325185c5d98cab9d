package audience

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Voice is what one author's events are told in, by many goroutines at once: all hear them in the order of their clocks.
type Voice struct {
	mu   sync.Mutex // held while one event is signed and told
	last crdt.Clock // of the last event; guarded by mu
}

// Say signs b as the next event, and calls tell with it. Its clock is that of the wall, since others judge by it how old the
// event is; a last one that the wall clock was set back from by far does not count. An error is tell's, or says why
// nothing was told.
func (v *Voice) Say(key ed25519.PrivateKey, b crdt.Broadcast, now time.Time, tell func(crdt.Broadcast) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	last := v.last
	if last.Ahead(now) {
		last = 0
	}
	b.Clock = crdt.NextClock(now, last, 0)
	_, _ = rand.Read(b.Nonce[:]) // never fails, see crypto/rand
	b, err := crdt.SignBroadcast(key, b)
	if err != nil {
		return fmt.Errorf("broadcast event: %w", err)
	}
	v.last = b.Clock
	return tell(b)
}
