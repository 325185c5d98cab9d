package eventlog

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/quipulog/quipu/eventlog/internal/record"
)

// followerRecord is what is kept of a follower behind its cursor, as JSON. It is written in the commit
// that moves the cursor. Numbers count entries since the follower began.
type followerRecord struct {
	Since   time.Time `json:"since,omitzero"` // when it began
	Handled uint64    `json:"handled,omitempty"`
	Skipped uint64    `json:"skipped,omitempty"` // by SkipFollower
	Trimmed uint64    `json:"trimmed,omitempty"` // gone before they were handled, with SkipTrimmed
	Dropped uint64    `json:"dropped,omitempty"` // parked, and dropped
	Parked  uint64    `json:"parked,omitempty"`  // at present
	// Elsewhere says that the cursor is in a [CursorStore], and the one here follows it.
	Elsewhere bool `json:"elsewhere,omitempty"`
	// Loose says that it does not hold back trims.
	Loose  bool          `json:"loose,omitempty"`
	Filter record.Filter `json:"filter,omitzero"`
	// Failure is what failed last; its attempts are 0 once an entry was handled after it.
	Failure *Failure `json:"failure,omitempty"`
}

// Failure is an error of a follower's handler, or of the store that keeps the follower's cursor.
type Failure struct {
	Error    string    `json:"error"` // up to 1 KiB of its text
	Time     time.Time `json:"time"`
	Attempts int       `json:"attempts,omitempty"` // failures in a row, this one included; 0 once it has passed
	First    uint64    `json:"first"`              // offset of the first entry that it concerns
	Last     uint64    `json:"last"`               // offset of the last of them
	// Missed says that the failure is that entries before First never came. Followed again, the follower
	// goes on at First.
	Missed bool `json:"missed,omitempty"`
}

// filterQuery returns the query for what a filter takes.
func filterQuery(f record.Filter) Query {
	return Query{Order: Arrival, Kinds: f.Kinds, Modules: f.Modules, Subjects: f.Subjects, Authors: f.Authors}
}

// follower is what the file has of a follower.
type follower struct {
	cursor uint64
	record followerRecord
}

// follower returns what is kept under name, and whether anything is.
func (tx *readTx) follower(name string) (f follower, found bool, err error) {
	v := tx.Tree(bucketFollowers).Get([]byte(name))
	if v == nil {
		return f, false, nil
	}
	f, err = decodeFollower(name, v)
	return f, err == nil, err
}

func decodeFollower(name string, v []byte) (f follower, err error) {
	cursor, rest, err := record.CutOffset(v)
	if err != nil {
		return f, &DamagedError{What: fmt.Sprintf("the cursor of %q", name), Err: err}
	}
	f.cursor = cursor
	if len(rest) > 0 {
		if err := json.Unmarshal(rest, &f.record); err != nil {
			return f, &DamagedError{What: fmt.Sprintf("the record of follower %q", name), Err: err}
		}
	}
	return f, nil
}

// putFollower keeps f under name.
func (tx *Tx) putFollower(name string, f follower) error {
	v := record.Offset(f.cursor)
	record, err := json.Marshal(f.record)
	if err != nil {
		return fmt.Errorf("store follower %q: %w", name, err)
	}
	return tx.do(func() error {
		return tx.w.Tree(bucketFollowers).Put([]byte(name), append(v[:], record...))
	})
}

// follower is that of readTx, in a step of its own.
func (tx *Tx) follower(name string) (f follower, found bool, err error) {
	err = tx.do(func() (err error) {
		f, found, err = tx.r.follower(name)
		return err
	})
	return f, found, err
}
