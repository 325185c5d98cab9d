package eventlog

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// DefaultMaxAuthors is how many feeds a log keeps unless told otherwise.
const DefaultMaxAuthors = 100_000

// Config says how a log is opened. Only Key is required.
type Config struct {
	// Key signs what is appended. Its author is fixed when the log is created.
	Key ed25519.PrivateKey
	// Logger takes what an operator should know. Nil discards it.
	Logger *slog.Logger
	// Now is the wall clock. Nil means [time.Now].
	Now func() time.Time
	// MaxBranches is how many heads of one feed are kept; an author past it is shut. 0 means
	// [crdt.DefaultMaxBranches].
	MaxBranches int
	// MaxAuthors is how many feeds are kept; an author past it is shut. 0 means [DefaultMaxAuthors].
	MaxAuthors int
	// MaxAuthorBytes is how much room one author's feed may take in the file, about, and MaxBytes how much
	// those of all others but us may take together, in bytes; an author past either is shut. Nothing bounds
	// our own. 0 means no bound.
	MaxAuthorBytes, MaxBytes uint64
	// Trim is what this node forgets, and what it takes without its body from others. The zero value
	// trims trimmable entries after 14 days, but for the last 10,000 of a feed.
	Trim TrimPolicy
	// NoIndex reads as if there were no index of subjects and kinds, and keeps none up to date. What
	// the file has of one stays in it, and is gone on with once the log is opened without NoIndex. An
	// index is made by [Log.Index] or [Log.CatchUpIndex] alone, so a program that calls neither has
	// none in either case.
	NoIndex bool
}

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	c.MaxBranches = cmp.Or(c.MaxBranches, crdt.DefaultMaxBranches)
	c.MaxAuthors = cmp.Or(c.MaxAuthors, DefaultMaxAuthors)
	c.Trim = c.Trim.withDefaults()
	return c
}

func (c Config) validate() error {
	if len(c.Key) != ed25519.PrivateKeySize {
		return fmt.Errorf("config: Key has %d bytes, an Ed25519 private key has %d", len(c.Key), ed25519.PrivateKeySize)
	}
	if err := crdt.AuthorOf(c.Key).Valid(); err != nil {
		return fmt.Errorf("config: Key: %w", err)
	}
	if c.MaxBranches < 1 {
		return errors.New("config: MaxBranches is negative")
	}
	if c.MaxAuthors < 1 {
		return errors.New("config: MaxAuthors is negative")
	}
	return c.Trim.validate()
}
