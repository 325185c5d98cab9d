package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
)

// Overflow says what [Recorder.Record] does with an event for which the buffer has no room.
type Overflow uint8

const (
	// Refuse returns [ErrFull]: the event is not recorded, and the caller knows.
	Refuse Overflow = iota
	// Wait waits until there is room, until the context of [Recorder.RecordContext] ends, or until the
	// recorder closes. A Record inside the function of an Update of the same log must not wait: what
	// makes room is an Update.
	Wait
	// Spill writes the event to a file in Config.Dir, from which it goes into the log in its turn. When the
	// file is full too, Record returns [ErrFull].
	Spill
	// Drop loses the event, and leaves a gap entry that names how many were lost, their numbers, times and
	// kinds. Without Config.Dir nobody counts what is dropped between a flush and a crash: the gap that the
	// next New leaves then says at most 1,048,576 events more than Config.Buffer. Give a Dir where that
	// matters.
	Drop
)

// String returns "refuse", "wait", "spill" or "drop".
func (o Overflow) String() string { return enum.Text(o, "overflow", "refuse", "wait", "spill", "drop") }

// Config says how a recorder works. The zero Config records every event through a buffer in memory and
// returns [ErrFull] where that is full.
type Config struct {
	// Name tells the recorders of one log apart, and stays the same from one run of the program to the
	// next: 1 to 64 letters, digits, ".", "_" and "-". "" means "default". It is the Source of the
	// gaps.
	Name string

	// Kinds are the kinds that are recorded; an event of another kind is counted and let go before it takes
	// room. Nil means all; empty but not nil means none.
	Kinds []string
	// Known are the kinds that the program has: [New] warns of each of Kinds that is not among them. With
	// nil, Close warns of each of Kinds of which no event has come.
	Known []string

	// Buffer is how many events wait in memory at most. 0 means 2,048.
	Buffer int
	// BufferBytes is how many bytes the waiting events take at most, about; one event always has room. 0
	// means 16 MiB.
	BufferBytes int

	// FlushCount is how many events gather before they are written, at most Buffer. 0 means 100.
	FlushCount int
	// FlushBytes is how many bytes gather before they are written, and about how many one transaction has,
	// at most BufferBytes. 0 means 1 MiB.
	FlushBytes int
	// FlushEvery is how long an event waits for others at most. 0 means 5 s.
	FlushEvery time.Duration

	// Overflow says what happens to an event for which the buffer has no room.
	Overflow Overflow
	// Dir is the folder of the spill and of a file that counts what was recorded, by which the next [New]
	// says exactly what a crash has lost; without the file, New says at most how much. The folder is made
	// if it is not there, and may be shared by recorders of other names. "" means none; [Spill] needs one.
	Dir string
	// SpillBytes is how many bytes the spill takes at most. 0 means 256 MiB.
	SpillBytes int64

	// RetryMin and RetryMax bound the pause after a flush that failed: RetryMin at first, twice as long
	// each time, up to RetryMax; each pause is cut at random by up to half. 0 means 50 ms and 30 s.
	RetryMin, RetryMax time.Duration

	// Logger takes what an operator should know. Nil discards it.
	Logger *slog.Logger
	// Now is the wall clock, for events without a time. Nil means [time.Now].
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.Name = cmp.Or(c.Name, "default")
	c.Buffer = cmp.Or(c.Buffer, 2048)
	c.BufferBytes = cmp.Or(c.BufferBytes, crdt.MaxBatch)
	c.FlushCount = min(cmp.Or(c.FlushCount, 100), c.Buffer)
	c.FlushBytes = min(cmp.Or(c.FlushBytes, 1<<20), c.BufferBytes)
	c.FlushEvery = cmp.Or(c.FlushEvery, 5*time.Second)
	c.SpillBytes = cmp.Or(c.SpillBytes, 256<<20)
	c.RetryMin = cmp.Or(c.RetryMin, 50*time.Millisecond)
	c.RetryMax = max(cmp.Or(c.RetryMax, 30*time.Second), c.RetryMin)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

var validName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// validate checks a config that has its defaults.
func (c *Config) validate() error {
	switch {
	case len(c.Name) > maxName || !validName.MatchString(c.Name):
		return fmt.Errorf("config: Name %q: expected 1 to %d letters, digits, \".\", \"_\" and \"-\"", c.Name, maxName)
	case c.Buffer < 0 || c.BufferBytes < 0 || c.FlushCount < 0 || c.FlushBytes < 0 || c.SpillBytes < 0:
		return errors.New("config: Buffer, BufferBytes, FlushCount, FlushBytes or SpillBytes is negative")
	case c.FlushEvery < 0 || c.RetryMin < 0 || c.RetryMax < 0:
		return errors.New("config: FlushEvery, RetryMin or RetryMax is negative")
	case c.Overflow > Drop:
		return fmt.Errorf("config: Overflow is %s: expected Refuse, Wait, Spill or Drop", c.Overflow)
	case c.Overflow == Spill && c.Dir == "":
		return errors.New("config: Overflow is Spill and Dir is empty: name the folder to spill to")
	}
	return nil
}

// atRisk returns how many events at most a crash of the machine can lose: what waits in memory, and
// what no sync has covered.
func (c *Config) atRisk() uint64 {
	bound := uint64(c.Buffer)
	switch c.Overflow {
	case Spill:
		bound += maxUnsynced
	case Drop:
		bound += maxDropped
	}
	return bound
}
