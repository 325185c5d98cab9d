package eventlog

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/elsewhere"
)

// DefaultMaxAuthors is how many feeds a log keeps unless told otherwise.
const DefaultMaxAuthors = 100_000

// Config says how a log is opened. Only Key is required, and that not for reading.
type Config struct {
	// Key signs what is appended. Its author is fixed when the log is created.
	Key ed25519.PrivateKey
	// ReadOnly has the log opened for reading alone, by whoever may only read it or has no Key: nothing is written or
	// synced, and what writes returns [ErrOpenedReadOnly]. It neither waits for another process that reads or writes the
	// log nor keeps one out: see [ErrOvertaken]. What it appends from then on may be shown, or not.
	ReadOnly bool
	// Logger takes what an operator should know. Nil discards it.
	Logger *slog.Logger
	// Now is the wall clock. Nil means [time.Now].
	Now func() time.Time
	// MaxBranches bounds the heads of one feed that are kept; an author past it is shut. 0 means
	// [crdt.DefaultMaxBranches].
	MaxBranches int
	// MaxAuthors bounds the feeds that are kept; an author past it is shut. 0 means [DefaultMaxAuthors].
	MaxAuthors int
	// MaxAuthorBytes bounds the bytes that one author's feed takes in the file, about; MaxBytes bounds those of all
	// feeds but our own together. An author past either is shut. Nothing bounds our own feed. 0 means no bound.
	MaxAuthorBytes, MaxBytes uint64
	// Trim says what this node forgets, and which ops it takes from others without their bodies. The zero
	// value trims trimmable entries after 14 days, but for the last 10,000 of a feed.
	Trim TrimPolicy
	// NoIndex leaves the index of subjects and kinds alone: it is neither read nor kept up to date. An index that the
	// file has stays in the file, and is kept again once the log is opened without NoIndex. Only [Log.Index] and
	// [Log.CatchUpIndex] make an index: a program that calls neither has none in either case.
	NoIndex bool
	// Peers can be asked where our own feed ends, when that may not be known here: see [Log.Settle]. Nil: nobody can.
	Peers AskedPeers
	// WaitRecovering makes appends wait while the log may not know the end of its own feed, until it does or their ctx
	// ends, instead of failing with a [*RecoveringError]: at once, or where [Why.Soft] and Peers is set after 6 s. The
	// function of a [Log.Update] and the handler of a [Log.Follow] cannot wait while nobody else writes: what they have
	// done is taken back when an append has failed for it and they return that error, and they run again.
	WaitRecovering bool
	// Receipts is what other nodes say of what they hold. Nil: no other node is known.
	Receipts elsewhere.Receipts
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	c.MaxBranches = cmp.Or(c.MaxBranches, crdt.DefaultMaxBranches)
	c.MaxAuthors = cmp.Or(c.MaxAuthors, DefaultMaxAuthors)
	c.Trim = c.Trim.WithDefaults()
	return c
}

func (c Config) validate() error {
	if len(c.Key) != ed25519.PrivateKeySize && !c.ReadOnly {
		return fmt.Errorf("config: Key has %d bytes, an Ed25519 private key has %d", len(c.Key), ed25519.PrivateKeySize)
	}
	if !c.ReadOnly {
		if err := crdt.AuthorOf(c.Key).Valid(); err != nil {
			return fmt.Errorf("config: Key: %w", err)
		}
	}
	if c.MaxBranches < 1 {
		return errors.New("config: MaxBranches is negative")
	}
	if c.MaxAuthors < 1 {
		return errors.New("config: MaxAuthors is negative")
	}
	return c.Trim.Validate()
}
