package follower

import (
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
)

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

// HandlerError is returned when the handler of a follower has failed. Nothing of the batch was kept.
type HandlerError struct {
	Name        string // of the follower
	First, Last uint64 // offsets of the first and the last entry that it was given
	Attempts    int    // failures in a row, this one included
	Err         error  // the handler's
}

func (e *HandlerError) Error() string {
	return fmt.Sprintf("follower %q: handle entries at offsets %d to %d, attempt %d: %v", e.Name, e.First, e.Last, e.Attempts, e.Err)
}

// Unwrap returns the handler's error.
func (e *HandlerError) Unwrap() error { return e.Err }

// Failure returns what is kept of the error.
func (e *HandlerError) Failure(now time.Time) Failure {
	return Failure{Error: clip.To(e.Err.Error(), MaxErrorText), Time: now, Attempts: e.Attempts, First: e.First, Last: e.Last}
}

// MaxErrorText bounds the text of an error that is kept with a follower or a parked entry, in bytes.
const MaxErrorText = 1 << 10

// ParkedEntry names an entry that a follower could not handle and went on without. The entry stays in the log, and is
// named even after its body is trimmed one day. While parked it holds trims back, if its follower does.
type ParkedEntry struct {
	Offset  uint64      `json:"-"`
	Author  crdt.Author `json:"author"`
	Seq     uint64      `json:"seq"`
	Op      crdt.OpID   `json:"op"`
	Kind    string      `json:"kind"`
	Subject string      `json:"subject,omitempty"`
	// Failure is why the entry was parked, and how often it has failed, replays included.
	Failure Failure `json:"failure"`
}
