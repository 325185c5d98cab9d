package api

import (
	"errors"
	"fmt"
)

// Code says to a program why a call was refused.
type Code string

// The codes.
const (
	Invalid      Code = "invalid"       // what was sent makes no sense; sending it again is no use
	Reserved     Code = "reserved"      // the kind is written by another command
	NotFound     Code = "not-found"     // the thing that was named is not there
	TooLarge     Code = "too-large"     // a line is longer than any entry can be
	NotRunning   Code = "not-running"   // only a running daemon can answer
	Busy         Code = "busy"          // as many as may do this at a time do it
	SecondWriter Code = "second-writer" // another process writes with this node's key
	ReadOnly     Code = "read-only"     // the log takes nothing until it is closed, opened and verified
	NotSynced    Code = "not-synced"    // the other node could not be reached, or the exchange broke off
	Uncertain    Code = "uncertain"     // the entries may be durable or not
	Damaged      Code = "damaged"       // the log's file is not what was written
	Stopping     Code = "stopping"      // the node is shutting down
	Internal     Code = "internal"      // a fault of the node's own
)

// Error is why a node refused a call or ended a stream.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	// Line is the line of the request that is at fault, from 1; 0 when none is.
	Line int `json:"line,omitempty"`
}

// ErrNotFound matches, by [errors.Is], every [Error] that says that what was named is not there.
var ErrNotFound = errors.New("not found")

// ErrGone is wrapped by the error of a call whose node went away before the answer was complete.
var ErrGone = errors.New("the node went away")

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Message)
	}
	return e.Message
}

// Is makes [ErrNotFound] match.
func (e *Error) Is(target error) bool { return target == ErrNotFound && e.Code == NotFound }

// Envelope is how an error travels: as the body of a refusal, or as the last line of a stream.
type Envelope struct {
	Error *Error `json:"error"`
}

// EnvelopePrefix begins the line of a stream that is an [Envelope]. No entry, place or other item
// begins with it.
const EnvelopePrefix = `{"error":`
