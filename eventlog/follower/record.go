package follower

import (
	"encoding/json"
	"time"

	"github.com/quipulog/quipu/eventlog/internal/record"
)

// Record is what is kept of a follower behind its cursor, as JSON. It is written in the commit
// that moves the cursor. Numbers count entries since the follower began.
type Record struct {
	Since   time.Time `json:"since,omitzero"` // when it began
	Handled uint64    `json:"handled,omitempty"`
	Skipped uint64    `json:"skipped,omitempty"` // by SkipFollower
	Trimmed uint64    `json:"trimmed,omitempty"` // gone before they were handled, with SkipTrimmed
	Dropped uint64    `json:"dropped,omitempty"` // parked, and dropped
	Parked  uint64    `json:"parked,omitempty"`  // at present
	// Elsewhere says that the cursor is in a CursorStore of the program's, and the one here follows it.
	Elsewhere bool `json:"elsewhere,omitempty"`
	// Loose says that it does not hold back trims.
	Loose  bool   `json:"loose,omitempty"`
	Filter Filter `json:"filter,omitzero"`
	// Failure is what failed last; its attempts are 0 once an entry was handled after it.
	Failure *Failure `json:"failure,omitempty"`
}

// Parse reads the value of a follower: its cursor, and its record, if it has one.
func Parse(v []byte) (cursor uint64, r Record, err error) {
	cursor, rest, err := record.CutOffset(v)
	if err == nil && len(rest) > 0 {
		err = json.Unmarshal(rest, &r)
	}
	return cursor, r, err
}

// Encode returns the value of a follower with that cursor.
func (r Record) Encode(cursor uint64) ([]byte, error) {
	v := record.Offset(cursor)
	b, err := json.Marshal(r)
	return append(v[:], b...), err
}

// Fits reports whether the record says what the configuration does.
func (r *Record) Fits(cfg *Config, elsewhere bool) bool {
	return r.Filter.Equal(cfg.Filter()) && r.Loose == cfg.DoesNotHold && r.Elsewhere == elsewhere && !r.Since.IsZero()
}

// Configure makes the record say what the configuration does; the follower began now unless it has before.
func (r *Record) Configure(cfg *Config, now time.Time) {
	r.Filter, r.Loose = cfg.Filter(), cfg.DoesNotHold
	if r.Since.IsZero() {
		r.Since = now
	}
}

// HasHandled counts entries that the handler has done with.
func (r *Record) HasHandled(n int) {
	r.Handled += uint64(n)
	if r.Failure != nil {
		r.Failure.Attempts = 0
	}
}
