package api

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// Code says to a program why a call was refused.
type Code string

// The codes.
const (
	Invalid      Code = "invalid"       // what was sent makes no sense; sending it again is no use
	Reserved     Code = "reserved"      // the kind is written by another command
	Refused      Code = "refused"       // the state machine that the caller gave does not allow the move
	NotFound     Code = "not-found"     // the thing that was named is not there
	Trimmed      Code = "trimmed"       // what was asked for was trimmed or pruned; Error.Trimmed says where to go on
	TooLarge     Code = "too-large"     // a line is longer than any entry can be
	NotRunning   Code = "not-running"   // only a running daemon can answer
	Busy         Code = "busy"          // as many as may do this at a time do it
	Unhandled    Code = "unhandled"     // the follower's handler has failed, and is not to try again
	SecondWriter Code = "second-writer" // another process writes with this node's key
	Recovering   Code = "recovering"    // the node may not know the end of its own feed: see [Recovery]
	ReadOnly     Code = "read-only"     // the log takes nothing since its disk failed
	NotSynced    Code = "not-synced"    // the other node could not be reached, or the exchange broke off
	NoRoom       Code = "no-room"       // the disk is full: nothing was written; it may do later
	Uncertain    Code = "uncertain"     // the entries may be durable or not
	Damaged      Code = "damaged"       // the log's file is not what was written
	Stopping     Code = "stopping"      // the node is shutting down, or about to
	// NotReplicated: the entries are durable at the node and stay, and are not held in time by those that were
	// waited for.
	NotReplicated Code = "not-replicated"
	Internal      Code = "internal" // a fault of the node's own
)

// Error is why a node refused a call or ended a stream.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	// Line is the line of the request that is at fault, from 1; 0 when none is.
	Line int `json:"line,omitempty"`
	// Trimmed says what is gone and where to go on; only with the code [Trimmed].
	Trimmed *TrimmedError `json:"trimmed,omitempty"`
	// Where says who has the last of the entries, or the first that is not told; only with the code [NotReplicated].
	Where *Where `json:"where,omitempty"`
}

// TrimmedError says what was trimmed or pruned, and where to go on.
type TrimmedError struct {
	// Place is the first that is gone; nil where it is not known any more whose it was. Entries is how
	// many are gone from there on.
	Place   *crdt.Place `json:"place,omitempty"`
	Entries uint64      `json:"entries"`
	// First is the first place of the author, after those, that is there; nil when Place is.
	First *crdt.Place `json:"first,omitempty"`
	// Offset is the first offset, after those, that a tail can go on at.
	Offset uint64 `json:"offset"`
	// Pruned says that their author had them forgotten, on every node, Elsewhere that they came to the node
	// without their bodies, which others had trimmed. Else the node has trimmed them, or some of them.
	Pruned    bool `json:"pruned,omitempty"`
	Elsewhere bool `json:"elsewhere,omitempty"`
}

// ErrNotFound matches, by [errors.Is], every [Error] that says that what was named is not there.
var ErrNotFound = errors.New("not found")

// ErrTrimmed matches, by [errors.Is], every [Error] whose code is [Trimmed].
var ErrTrimmed = errors.New("trimmed or pruned")

// ErrNotReplicated matches, by [errors.Is], every [Error] whose code is [NotReplicated].
var ErrNotReplicated = errors.New("not replicated in time")

// ErrLeft is wrapped by the error of a call whose node went away, or fell silent, before the answer was
// complete.
var ErrLeft = errors.New("the node went away")

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Message)
	}
	return e.Message
}

// Is makes [ErrNotFound], [ErrTrimmed] and [ErrNotReplicated] match.
func (e *Error) Is(target error) bool {
	return target == ErrNotFound && e.Code == NotFound || target == ErrTrimmed && e.Code == Trimmed ||
		target == ErrNotReplicated && e.Code == NotReplicated
}

// Envelope is how an error travels: as the body of a refusal, or as the last line of a stream.
type Envelope struct {
	Error *Error `json:"error"`
}

// envelopePrefix begins the line of a stream that is an [Envelope]. No entry, place or other item
// begins with it.
const envelopePrefix = `{"error":`
