package follower

import "time"

// Status says where a follower stands. Its counts are of entries since the follower began.
type Status struct {
	Name   string
	Cursor uint64 // offset of the entry that the follower looks at next
	Next   uint64 // offset of the next entry that arrives
	// Lag is how many entries the follower has not looked at, those that are not for it included.
	Lag uint64
	// LagTime is how long ago the first of these was written, by the entry's clock; 0 when there is none,
	// or the clock is in the future.
	LagTime time.Duration
	// Running says that Follow or Deliver runs for the follower in this process.
	Running bool
	// Elsewhere says that the cursor is kept in a CursorStore. Cursor may then be behind it by some
	// 65,536 offsets and a second.
	Elsewhere bool

	Handled uint64
	Parked  uint64 // at present
	Skipped uint64 // by SkipFollower
	Dropped uint64 // by DropParked
	Trimmed uint64 // gone before they were handled, see SkipTrimmed

	// Failure is what failed last, or nil. Its Attempts are 0 once an entry was handled since.
	Failure *Failure
	// Filter says which entries the follower takes: "kind=a,b subject=s"; empty for all.
	Filter string
	// Holds says that the follower holds back trims.
	Holds bool
	// Since is when the follower began; zero for one that only SetCursor has made.
	Since time.Time
}
