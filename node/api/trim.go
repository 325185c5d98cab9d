package api

import (
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/age"
)

// TrimPolicy says what a node forgets: of trimmable entries the body, once they are old and far enough
// from the end of their feed, and of pruned feeds what their author has given leave to forget.
type TrimPolicy struct {
	// MinAge is how old an entry is at least when its body goes, MinCount how many entries of its author
	// stand above it.
	MinAge   age.Age `json:"minAge"`
	MinCount uint64  `json:"minCount"`
	// MaxHold is how many entries behind somebody may be who keeps back a trim.
	MaxHold uint64 `json:"maxHold"`
	// KeepBodies keeps bodies for ever, KeepPruned what may be forgotten.
	KeepBodies bool `json:"keepBodies,omitempty"`
	KeepPruned bool `json:"keepPruned,omitempty"`
}

// TrimRequest says how a trim differs from the node's policy. It may be zero.
type TrimRequest struct {
	// MinAge and MinCount, where given, take the place of the policy's.
	MinAge   *age.Age `json:"minAge,omitempty"`
	MinCount *uint64  `json:"minCount,omitempty"`
	// Force allows them to keep less than the policy does. What goes sooner here than elsewhere cannot be
	// given to nodes that still want it.
	Force bool `json:"force,omitempty"`
}

// TrimReport is what a trim did.
type TrimReport struct {
	// Policy is what it went by.
	Policy TrimPolicy `json:"policy"`
	// Trimmed are the ops that have lost their bodies, Pruned those that were dropped.
	Trimmed Forgotten `json:"trimmed"`
	Pruned  Forgotten `json:"pruned"`
	// Held are those who have kept something back, or were too far behind to.
	Held []Holder `json:"held,omitempty"`
	// Ahead are the feeds of which something was kept since their clocks are ahead.
	Ahead []Ahead `json:"ahead,omitempty"`
	// ClockOff is by how many seconds the clocks of most members are ahead of the node's, negative where they
	// are behind, if that is more than a minute: then no body was trimmed.
	ClockOff float64 `json:"clockOffSeconds,omitzero"`
	// Before and After are what the log's file took up.
	Before FileUse `json:"before"`
	After  FileUse `json:"after"`
}

// Forgotten counts what was forgotten.
type Forgotten struct {
	Ops     uint64 `json:"ops"`     // how many ops
	Entries uint64 `json:"entries"` // how many entries they held
	// Bytes of the file are free for it.
	Bytes uint64 `json:"bytes"`
	// Lost are the places of what could not be read and was forgotten beside it, by its authors' leave. They are not counted.
	Lost []Hole `json:"lost,omitempty"`
}

// FileUse is the size of the log's file, and how much of it is free for what comes: a compaction gives
// that back. Both in bytes.
type FileUse struct {
	Bytes int64 `json:"bytes"` // its size
	Free  int64 `json:"free"`  // how much of it is free
}

// Holder is a follower or a member that may keep back a trim.
type Holder struct {
	// Name is that of a follower, or "member" and an author.
	Name string `json:"name"`
	// Offset is where it needs entries from; Behind how many that it needs have arrived since.
	Offset uint64 `json:"offset"`
	Behind uint64 `json:"behind"`
	// Until is when it lets go; absent where the policy's MaxHold says so.
	Until time.Time `json:"until,omitzero"`
	// Entries is how many entries it has kept back, of a trim that was made.
	Entries uint64 `json:"entries,omitempty"`
	// Prunes says that it keeps back prunes alone: it has no use for what is trimmed.
	Prunes bool `json:"prunes,omitempty"`
	// Overrun says that it is further behind than the policy's MaxHold, or that Until is over: it keeps back nothing.
	Overrun bool `json:"overrun,omitempty"`
}

// TrimStatus is what there is to say of trims without making one.
type TrimStatus struct {
	Policy TrimPolicy `json:"policy"` // what is forgotten
	// Waits says who keeps back a trim: "followers", or "members", which is members as well.
	Waits string `json:"waits"`
	// Every is how often the daemon trims; absent where it does not by itself, or does not run.
	Every age.Age `json:"every,omitzero"`
	// Trimmed is how many entries are here without their bodies, Pruned how many were here and are no more.
	Trimmed uint64   `json:"trimmed"`
	Pruned  uint64   `json:"pruned"`
	File    FileUse  `json:"file"`              // what the log's file takes up
	Holders []Holder `json:"holders,omitempty"` // who may keep back a trim
	// Ahead are the feeds whose clocks are ahead, at most 32: their age is not known.
	Ahead []Ahead `json:"ahead,omitempty"`
	// ClockOff is by how many seconds the clocks of most members are ahead of the node's, negative where they
	// are behind, if that is more than a minute: until they agree no body is trimmed.
	ClockOff float64   `json:"clockOffSeconds,omitzero"`
	Last     *LastTrim `json:"last,omitempty"` // what the last trim did; left out before there was one
}

// LastTrim is what the last trim of a running daemon did.
type LastTrim struct {
	At      time.Time `json:"at"`      // when it began
	Seconds float64   `json:"seconds"` // how long it took
	Trimmed Forgotten `json:"trimmed"` // the ops that have lost their bodies
	Pruned  Forgotten `json:"pruned"`  // the ops that were dropped
	// Ahead are the feeds of which it has kept something since their clocks are ahead.
	Ahead []Ahead `json:"ahead,omitempty"`
	// Error is why it was cut short; empty if it was not.
	Error string `json:"error,omitempty"`
}

// GoneFrom says what of one author's feed is not at the node.
type GoneFrom struct {
	Author crdt.Author `json:"author"`
	// First is the first seq that is there: what stood below was pruned.
	First uint64 `json:"first"`
	// Trimmed counts the entries from First on whose bodies are gone.
	Trimmed uint64 `json:"trimmed"`
	// Missed counts those between two pieces that are there, pruned before the node could get them.
	Missed uint64 `json:"missed,omitempty"`
	// Floor is the seq below which the author has given leave to forget the feed; 0 for none.
	Floor uint64 `json:"floor,omitempty"`
}
