package recorder

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/quipulog/quipu/eventlog"
)

// state is what a recorder keeps in the log, under the key "state" of its bucket. It changes in the
// transaction that appends what it tells of.
type state struct {
	// Session names the run of the recorder that may write.
	Session string `json:"session"`
	// Open says that the run has not ended with Close, as far as the log knows.
	Open bool `json:"open"`
	// Settled is the number of the last event that was dealt with: all up to it are entries or named by
	// a gap.
	Settled uint64 `json:"settled"`
	// Since is when that was.
	Since time.Time `json:"since"`
	// Told are the numbers past Settled that a gap names all the same, in order.
	Told spans `json:"told,omitempty"`
	// AtRisk is how many events past Settled a crash of the machine can lose.
	AtRisk uint64 `json:"atRisk"`
	// Boot names the run of the kernel in which Session began.
	Boot string `json:"boot,omitempty"`
}

var stateKey = []byte("state")

// bucketName returns the name of the bucket of the recorder called name.
func bucketName(name string) string { return "quipu.recorder/" + name }

// readState reads the state of the recorder called name; the zero state if it has none yet.
func readState(tx *eventlog.Tx, name string) (state, error) {
	var s state
	v := tx.Bucket(bucketName(name)).Get(stateKey)
	if v == nil {
		return s, nil
	}
	if err := json.Unmarshal(v, &s); err != nil {
		return s, fmt.Errorf("read the state of recorder %q: %w", name, err)
	}
	return s, nil
}

func (s *state) write(tx *eventlog.Tx, name string) error {
	v, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketName(name)).Put(stateKey, v)
}

// settle sets the number of the last event that was dealt with.
func (s *state) settle(number uint64, now time.Time) {
	s.Settled, s.Since = number, now.UTC()
	s.Told = slices.DeleteFunc(s.Told, func(t span) bool { return t.Last <= number })
}

// span is the numbers from First to Last.
type span struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// spans are in order and neither touch nor overlap.
type spans []span

// add appends numbers above all others.
func (s spans) add(x span) spans {
	if n := len(s); n > 0 && s[n-1].Last+1 == x.First {
		s[n-1].Last = x.Last
		return s
	}
	return append(s, x)
}

// last returns the greatest number, 0 if there is none.
func (s spans) last() uint64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].Last
}

// above returns those above n.
func (s spans) above(n uint64) (left spans) {
	for _, x := range s {
		if x.Last > n {
			left = append(left, span{max(x.First, n+1), x.Last})
		}
	}
	return left
}

// without returns the numbers of x that are in none of others.
func (x span) without(others spans) spans {
	var left spans
	for _, o := range others {
		if o.Last < x.First || o.First > x.Last {
			continue
		}
		if o.First > x.First {
			left = append(left, span{x.First, o.First - 1})
		}
		if o.Last >= x.Last {
			return left
		}
		x.First = o.Last + 1
	}
	if x.First > x.Last {
		return left
	}
	return append(left, x)
}
