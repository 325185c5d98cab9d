package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Error is why a node refused a call or ended a stream.
type Error struct {
	// Type is where the code is explained, Title what it means, Status the HTTP status that it has: see [Error.Told].
	Type   string `json:"type,omitempty" format:"uri"`
	Title  string `json:"title,omitempty"`
	Status int    `json:"status,omitempty"`
	// Code says to a program what Message says to people.
	Code    Code   `json:"code"`
	Message string `json:"detail"`
	// Line is the line of the request that is at fault, from 1; 0 when none is.
	Line int `json:"line,omitempty"`
	// Trimmed says what is gone and where to go on; only with the code [Trimmed].
	Trimmed *TrimmedError `json:"trimmed,omitempty"`
	// Reasons are why the node is not ready or not live, each in a word or two; only with the codes [NotReady] and [NotLive].
	Reasons []string `json:"reasons,omitempty"`
	// RetryAfter is how long the node asks to wait before the call is made again; 0 where it says nothing of that. It
	// travels in the header Retry-After.
	RetryAfter time.Duration `json:"-"`
	// Held says who has the batch of the follower; only with the code [Leased].
	Held *Held `json:"held,omitempty"`
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

// Told returns the error with all that is told of its code, and without tokens, as it travels: problem details by RFC 9457, alone as the
// body of a refusal, or in an [Envelope].
func (e *Error) Told() *Error {
	told, about := *e, e.Code.About()
	told.Message = Redacted(e.Message).String()
	told.Type, told.Title, told.Status = ErrorsPage+"#"+string(e.Code), about.Title, about.Status
	return &told
}

// ContentType is the media type of an error that is a whole answer.
func (*Error) ContentType(string) string { return ContentProblem }

// Answer answers a call with the error.
func (e *Error) Answer(w http.ResponseWriter) {
	told := e.Told()
	maps.Copy(w.Header(), e.GetHeaders())
	w.Header().Set("Content-Type", ContentProblem)
	w.WriteHeader(told.Status)
	_ = json.NewEncoder(w).Encode(told) // the client has left, or will read it
}

// GetHeaders returns what stands in the head of an answer that is the error: after how many seconds it is worth while to
// call again, where that is so.
func (e *Error) GetHeaders() http.Header {
	switch e.Code {
	case TooMany, Busy:
		return http.Header{"Retry-After": {"1"}}
	case Stopping, NotLive, NotReady:
		return http.Header{"Retry-After": {"5"}}
	}
	return nil
}

// GetStatus returns the status of an answer that is the error.
func (e *Error) GetStatus() int { return e.Code.About().Status }

// ContentProblem is the media type of an [Error] that is a whole answer.
const ContentProblem = "application/problem+json"

// Envelope is how an error travels in a stream: as its last line.
type Envelope struct {
	Error *Error `json:"error"` // why the stream ends here
}
