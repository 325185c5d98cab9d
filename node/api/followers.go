package api

import (
	"net/url"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Follower says where a follower of the node's log stands. Its counts are of entries since it began.
type Follower struct {
	Name string `json:"name"` // under which the node keeps its cursor
	// Cursor is the offset of the entry that it looks at next, Next that of the next entry that arrives.
	Cursor uint64 `json:"cursor"`
	Next   uint64 `json:"next"`
	// Lag is how many entries it has not looked at, LagSeconds how long ago the first of them was written.
	Lag        uint64  `json:"lag"`
	LagSeconds float64 `json:"lagSeconds"`
	// Running says that it runs in the node's process.
	Running bool `json:"running"`
	// Elsewhere says that its cursor is kept outside the log, so that Cursor may be a little behind, and
	// the node cannot move it.
	Elsewhere bool `json:"elsewhere,omitempty"`

	Handled uint64 `json:"handled"` // how many were handled
	Parked  uint64 `json:"parked"`  // how many are parked at present
	Skipped uint64 `json:"skipped"` // how many were skipped by request
	Dropped uint64 `json:"dropped"` // how many were parked and then given up
	Trimmed uint64 `json:"trimmed"` // how many were gone before it came to them

	// Failure is what failed last; nil when nothing did.
	Failure *FollowerFailure `json:"failure,omitempty"`
	// Filter is which entries it takes, "kind=a,b subject=s"; empty for all.
	Filter string `json:"filter,omitempty"`
	// Holds says that it holds back trims.
	Holds bool `json:"holds"`
	// Since is when it began; zero where that is not known.
	Since time.Time `json:"since,omitzero"`
}

// FollowerFailure is an error of a follower.
type FollowerFailure struct {
	Error string    `json:"error"` // what its handler has said
	Time  time.Time `json:"time"`  // when it failed
	// Attempts is how often it failed in a row up to then; 0 when it has passed.
	Attempts int `json:"attempts"`
	// First and Last are the offsets of what failed.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// ParkedEntry is an entry that a follower could not handle and went on without.
type ParkedEntry struct {
	Offset  uint64          `json:"offset"` // its number in the order in which entries came to the node
	Author  crdt.Author     `json:"author"`
	Seq     uint64          `json:"seq"` // its number among the entries of its author
	Op      crdt.OpID       `json:"op"`
	Kind    string          `json:"kind"`              // what happened
	Subject string          `json:"subject,omitempty"` // what it is about
	Failure FollowerFailure `json:"failure"`           // why it is parked
}

// Counted is how many entries a call was about.
type Counted struct {
	Entries uint64 `json:"entries"` // how many they were
}

// Where a client's ResetFollower can move a follower, beside the decimal form of an offset.
const (
	ToStart = "start" // it is given everything again
	ToEnd   = "end"   // it is given what is new from now on
)

// The parameters of the calls about a follower.
const (
	ParamTo      = "to" // of a broadcast, too
	ParamEntries = "entries"
	ParamOffset  = "offset" // of a query, too
)

// The parameters of the calls that move a follower, and of the one that gives up what it has parked.
var (
	ResetParameters = []Parameter{{Name: ParamTo, About: "Where it is moved: start, end or an offset."}}
	SkipParameters  = []Parameter{{Name: ParamEntries, Type: "integer", About: "How many entries it is moved behind."}}
	DropParameters  = []Parameter{{Name: ParamOffset, Many: true, Type: "integer", About: "Which of them, all where there is none."}}
)

// Segment returns a text as one segment of a path, whatever it is: "." and ".." as well, which mean something in one.
func Segment(text string) string {
	if text == "." || text == ".." {
		return strings.ReplaceAll(text, ".", "%2E")
	}
	return url.PathEscape(text)
}
