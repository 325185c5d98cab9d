package backoff_test

import (
	"testing"
	"time"

	"github.com/quipulog/quipu/gossip/backoff"
)

// Each failure doubles the pause, from the lowest to the highest, and it is over after half of that at the
// earliest.
func TestPauseDoubles(t *testing.T) {
	var p backoff.Pause
	now := time.Now()
	if !p.Over(now) {
		t.Error("there is a pause before anything has failed")
	}
	for _, most := range []time.Duration{1, 2, 4, 8, 10, 10} {
		most *= time.Second
		p.Fail(now, time.Second, 10*time.Second)
		if took := p.End().Sub(now); took < most/2 || took > most {
			t.Errorf("a pause of %s, want %s to %s", took, most/2, most)
		}
		if p.Over(p.End().Add(-1)) || !p.Over(p.End()) {
			t.Error("it is not over at its end")
		}
	}
	p = backoff.Until(now)
	if p.Fail(now, time.Second, 10*time.Second); p.End().Sub(now) > time.Second {
		t.Error("it goes on as if it had failed before")
	}
}
