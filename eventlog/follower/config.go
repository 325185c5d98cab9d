package follower

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
)

// ErrConfig is wrapped by the errors that say why a [Config] makes no sense.
var ErrConfig = errors.New("config")

// Now is the offset of the next entry that arrives.
const Now uint64 = math.MaxUint64

// Config says what a follower takes and how. The zero value takes everything from the beginning
// and stops at the first error.
type Config struct {
	// Kinds, Modules, Subjects and Authors each take the entries that have one of the values; an empty list
	// takes all. Together they have at most 16 KiB.
	Kinds, Modules, Subjects []string
	Authors                  []crdt.Author
	// From is the offset at which a follower without a cursor begins, at most that of the next entry to
	// arrive (Next in Stats of the log); [Now] takes new entries only.
	From uint64
	// Until, unless it is nil, ends the follower with nil once it has done with all entries below that
	// offset; it may have handled a few above by then. With the log's Next it catches up and ends, in an
	// empty log at once.
	Until *uint64
	// OneBatch ends the follower with nil once it has done with one batch that has entries, parked or handled. Nothing is
	// read ahead then.
	OneBatch bool

	// MaxEntries bounds the entries of a batch. 0 means 1,024; at most 65,536.
	MaxEntries int
	// MaxBytes bounds the bytes of a batch that has more than one entry. 0 means 1 MiB; at most 16 MiB.
	MaxBytes int
	// MaxWait is how long a batch that is not full waits for more after its first entry was read. At 0 the
	// batch is handled at once.
	MaxWait time.Duration

	// OnError says what follows an error of the handler.
	OnError OnError
	// RetryMin is the pause after the first failure. Each further failure doubles the pause, up to
	// RetryMax; each pause is cut at random by up to half. 0 means 100 ms and 1 minute.
	RetryMin, RetryMax time.Duration
	// ParkAfter, unless it is 0, goes with RetryOnError: after so many failures the batch is halved until
	// one entry is left that fails alone, which is parked with its error, and the follower goes on. See
	// Parked of the log. A follower that has 10,000 entries parked stops with ErrTooManyParked instead. Failures
	// of a batch that begins with the same entry count although the follower was begun again between them.
	ParkAfter int

	// MaxFollowers, unless it is 0, is how many followers the log may have with this one: a name that has no cursor yet is
	// refused beside more.
	MaxFollowers int
	// OwnEntries takes the entries that the follower itself has emitted, too: see HeaderBy of package eventlog.
	OwnEntries bool
	// SkipTrimmed makes the follower go on behind entries that are gone, and count them, instead of
	// returning a TrimmedError.
	SkipTrimmed bool
	// DoesNotHold lets entries be trimmed that the follower has not handled. Other followers hold trims
	// back, up to the policy's MaxHold.
	DoesNotHold bool
}

// OnError says what follows an error of a follower's handler.
type OnError uint8

const (
	// StopOnError returns the error.
	StopOnError OnError = iota
	// RetryOnError hands the same batch to the handler again, after a pause.
	RetryOnError
)

// String returns "stop" or "retry".
func (o OnError) String() string { return enum.Text(o, "on error", "stop", "retry") }

// DefaultEntries is how many entries a batch has unless told otherwise.
const DefaultEntries = 1024

const (
	// maxEntries and maxBytes bound the batch of a follower: that much is in memory, and is handled in one transaction
	// that keeps other writers waiting.
	maxEntries   = 1 << 16
	maxBytes     = crdt.MaxBatch
	defaultBytes = 1 << 20
	// maxFilter bounds the filter of a follower, in bytes: it is written with each commit of its cursor.
	maxFilter = 16 << 10

	defaultRetryMin = 100 * time.Millisecond
	defaultRetryMax = time.Minute
)

// WithDefaults returns the configuration with its defaults filled in.
func (c Config) WithDefaults() Config {
	c.MaxEntries = cmp.Or(c.MaxEntries, DefaultEntries)
	c.MaxBytes = cmp.Or(c.MaxBytes, defaultBytes)
	c.RetryMin = cmp.Or(c.RetryMin, defaultRetryMin)
	c.RetryMax = cmp.Or(c.RetryMax, max(c.RetryMin, defaultRetryMax))
	return c
}

// Validate says why the configuration makes no sense, or nil. Errors wrap [ErrConfig].
func (c Config) Validate() error {
	switch {
	case c.From != Now && c.From >= crdt.MaxSeq:
		return fmt.Errorf("%w: From is %d: expected an offset below 2^53, or Now", ErrConfig, c.From)
	case c.MaxEntries < 1 || c.MaxEntries > maxEntries:
		return fmt.Errorf("%w: MaxEntries is %d: expected 1 to %d", ErrConfig, c.MaxEntries, maxEntries)
	case c.MaxBytes < 1 || c.MaxBytes > maxBytes:
		return fmt.Errorf("%w: MaxBytes is %d: expected 1 to %d", ErrConfig, c.MaxBytes, maxBytes)
	case c.MaxWait < 0:
		return fmt.Errorf("%w: MaxWait is %s: expected 0 or more", ErrConfig, c.MaxWait)
	case c.OnError > RetryOnError:
		return fmt.Errorf("%w: OnError is %d: expected StopOnError or RetryOnError", ErrConfig, c.OnError)
	case c.RetryMin < 0 || c.RetryMax < c.RetryMin:
		return fmt.Errorf("%w: RetryMin is %s and RetryMax %s: expected the first to be no more than the second", ErrConfig, c.RetryMin, c.RetryMax)
	case c.ParkAfter < 0 || c.ParkAfter > 0 && c.OnError != RetryOnError:
		return fmt.Errorf("%w: ParkAfter is %d: expected 0, or a number of failures together with RetryOnError", ErrConfig, c.ParkAfter)
	case c.Filter().Size() > maxFilter:
		return fmt.Errorf("%w: Kinds, Modules, Subjects and Authors have %d bytes together: expected at most %d", ErrConfig, c.Filter().Size(), maxFilter)
	}
	return nil
}

// Filter returns which entries the configuration takes.
func (c Config) Filter() Filter {
	return Filter{Kinds: c.Kinds, Modules: c.Modules, Subjects: c.Subjects, Authors: c.Authors, Own: c.OwnEntries}
}
