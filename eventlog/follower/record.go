package follower

import "time"

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
	Loose bool `json:"loose,omitempty"`
	// Until and Upto bound what it holds back, as in a Hold of package retention.
	Until time.Time `json:"until,omitzero"`
	Upto  uint64    `json:"upto,omitempty"`

	Filter Filter `json:"filter,omitzero"`
	// Failure is what failed last; its attempts are 0 once an entry was handled after it.
	Failure *Failure `json:"failure,omitempty"`
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

// Attempt returns which failure in a row it is that a batch has now which begins at offset first: those count that it had
// before the follower began, unless they were of a store of its cursor.
func (r *Record) Attempt(first uint64) int {
	if r.Elsewhere || r.Failure == nil || r.Failure.First != first {
		return 1
	}
	return r.Failure.Attempts + 1
}
