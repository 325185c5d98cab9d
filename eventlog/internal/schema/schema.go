// Package schema names the parts of a log's file: every bucket of it, and the keys of meta.
package schema

import (
	"bytes"
	"math/bits"
	"slices"
)

// The file quipu.db, every bucket of it. Integers are big-endian, so that keys sort as numbers do. Package
// record reads and writes the keys and values of ops, feeds, arrivals and times.
//
//	meta
//	  "format"        → 1 byte: FormatVersion, or LateVersion once arrivals were late
//	  "log"           → 16 bytes: the log's id
//	  "genesis"       → the genesis; absent until it is known
//	  "author"        → 32 bytes: who writes here
//	  "formerly"      → 32 bytes each, the last first: who wrote here before; absent if nobody
//	  "incarnation"   → 16 random bytes: the first name of the arrivals
//	  "incarnations"  → all their names, see internal/incarnation/names.go; absent while the first is
//	                    the only one
//	  "second writer" → header and signature of an op of our own that contradicts ours; absent else
//	  "why"           → why the end of our feed may not be known, see internal/record/recovering.go; absent
//	                    else, and once the feed was taken up
//	  "recovering"    → header and signature of an op of our own that came back beyond our head, where that is why
//	  "own end"       → next (8) ‖ id (32): the head of our feed before a second writer, or before its end
//	                    was not known for a hard reason; absent if it was empty
//	  "identity"      → what the file is on its file system, see internal/identity; renewed by a compaction, and
//	                    when the end of our feed is known again
//	  "told"          → 1 byte: others may hold what was written here; absent before that
//	  "sweep"         → number (8) of the last transaction that forgot something; absent before one has
//	  "holes"         → 32 bytes each: the authors of whose feeds something is held that cannot be read; absent if there
//	                    are none, or none is known
//	ops
//	  author (32)     → a bucket for each author:
//	    first (8) ‖ op id (32) → offset of its first entry (8) ‖ sum (4) ‖ op; of one that was trimmed here
//	                             offset (8) ‖ sum (4) ‖ header and signature ‖ 0xc1 ‖ number of the sweep (8)
//	feeds
//	  author (32)     → a feed record, see internal/record/feed.go
//	arrivals
//	  offset (8)      → author (32) ‖ first (8) ‖ op id (32) ‖ count (8); none where an op was pruned, nor
//	                    of the last ops of our own feed, whose record says so: see internal/record/late.go
//	times
//	  offset (8)      → when it was given to an entry (8) ‖ when the last one before it was (8), in
//	                    milliseconds since 1970
//	followers
//	  name            → cursor (8): an offset ‖ record with a checksum, see package follower
//	state
//	  name            → a bucket for each name, with keys of its owner's own
//	parked
//	  name            → a bucket for each follower that has parked entries:
//	    offset (8)     → what is kept of the entry, see package follower
//	index
//	  "layers"        → which stretches of offsets are indexed, see internal/postings/layer.go
//	  level (1) ‖ from (8) ‖ term (6) ‖ offset (8) → a block of postings, see internal/postings/block.go
//
//	ids             absent before an event with an id was appended; made of the entries, see internal/ids
//	  author (32)     → a bucket for each who writes here, or did:
//	    key of an id (20) → seq (8) ‖ sum of the event (16) ‖ sum of the row (4)
//
// A feed's record and an op's arrival, or that it is late, are written in the transaction that writes the op, so that
// whatever a crash leaves is whole. The trees of ops and arrivals only grow at their right edge, unless a feed forks; so they
// have two keys behind all others, which fill the pages before them: see internal/disk/growing.go.

const (
	// FileName is the file's in the folder of a log.
	FileName = "quipu.db"
	// FormatVersion is that of files that are made, and LateVersion what it becomes with the first arrival that is late:
	// whoever reads no other versions would miss that. A version is a byte in which one bit is set, so that a bit that flips
	// leaves none.
	FormatVersion, LateVersion = 2, 4
)

// IsVersion reports whether b is the version of a format, known here or not.
func IsVersion(b byte) bool { return bits.OnesCount8(b) == 1 }

// The buckets.
var (
	Meta      = []byte("meta")
	Ops       = []byte("ops")
	Feeds     = []byte("feeds")
	Arrivals  = []byte("arrivals")
	Followers = []byte("followers")
	State     = []byte("state")
	Times     = []byte("times")
	Parked    = []byte("parked")
	Index     = []byte("index")
	IDs       = []byte("ids")
	// Small are the buckets that are neither of ops and arrivals nor made of them.
	Small = [][]byte{Meta, Feeds, Followers, State, Times, Parked}
)

// The keys of meta.
var (
	Format       = []byte("format")
	Log          = []byte("log")
	Genesis      = []byte("genesis")
	Author       = []byte("author")
	Formerly     = []byte("formerly")
	Incarnation  = []byte("incarnation")
	Incarnations = []byte("incarnations")
	Identity     = []byte("identity")
	Sweep        = []byte("sweep")
	Holes        = []byte("holes")

	SecondWriter = []byte("second writer")
	Why          = []byte("why")
	Recovering   = []byte("recovering")
	OwnEnd       = []byte("own end")
	Told         = []byte("told")
)

// Make makes the buckets of a file that holds nothing, at its root.
func Make[Tree any](root interface {
	Create(name []byte) (Tree, error)
	CreateGrowing(name []byte) (Tree, error)
}) error {
	if _, err := root.CreateGrowing(Arrivals); err != nil {
		return err
	}
	for _, name := range [][]byte{Meta, Ops, Feeds, Followers, State, Times, Parked, Index} {
		if _, err := root.Create(name); err != nil {
			return err
		}
	}
	return nil
}

// Reads reports whether files of a version are read.
func Reads(version byte) bool { return version == FormatVersion || version == LateVersion }

// Look opens every bucket that a file has: one that is missing is damage that tx meets.
func Look[Tree any](tx interface{ Tree(name []byte) Tree }) {
	for _, name := range append([][]byte{Ops, Arrivals, Index}, Small...) {
		tx.Tree(name)
	}
}

// IsSmall reports whether a bucket is neither of ops and arrivals nor made of them.
func IsSmall(bucket []byte) bool {
	return slices.ContainsFunc(Small, func(name []byte) bool { return bytes.Equal(name, bucket) })
}

// Has reports whether a log has a bucket of this name at its root.
func Has(bucket []byte) bool {
	return IsSmall(bucket) || slices.ContainsFunc([][]byte{Ops, Arrivals, Index, IDs}, func(name []byte) bool { return bytes.Equal(name, bucket) })
}
