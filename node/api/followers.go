package api

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Follower says where a follower of the node's log stands. Its counts are of entries since it began.
type Follower struct {
	Name string `json:"name"`
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

	Handled uint64 `json:"handled"`
	Parked  uint64 `json:"parked"`  // at present
	Skipped uint64 `json:"skipped"` // by [Client.SkipFollower]
	Dropped uint64 `json:"dropped"` // by [Client.DropParked]
	Trimmed uint64 `json:"trimmed"` // that were gone before it came to them

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
	Error string    `json:"error"`
	Time  time.Time `json:"time"`
	// Attempts is how often it failed in a row up to then; 0 when it has passed.
	Attempts int `json:"attempts"`
	// First and Last are the offsets of what failed.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// ParkedEntry is an entry that a follower could not handle and went on without.
type ParkedEntry struct {
	Offset  uint64          `json:"offset"`
	Author  crdt.Author     `json:"author"`
	Seq     uint64          `json:"seq"`
	Op      crdt.OpID       `json:"op"`
	Kind    string          `json:"kind"`
	Subject string          `json:"subject,omitempty"`
	Failure FollowerFailure `json:"failure"`
}

// Counted is how many entries a call was about.
type Counted struct {
	Entries uint64 `json:"entries"`
}

// Where [Client.ResetFollower] can move a follower, beside the decimal form of an offset.
const (
	ToStart = "start" // it is given everything again
	ToEnd   = "end"   // it is given what is new from now on
)

// The parameters of the calls about a follower.
const (
	ParamName    = "name"    // of the follower
	ParamTo      = "to"      // where it is moved
	ParamEntries = "entries" // how many it skips
	ParamOffset  = "offset"  // of what it has parked; several, or none for all
)

// Followers yields where each follower stands, in order of name.
func (c *Client) Followers(ctx context.Context) iter.Seq2[Follower, error] {
	return decoded[Follower](c.stream(ctx, "list followers", http.MethodGet, "/v1/followers", nil))
}

// Follower returns where the follower called name stands. It returns [ErrNotFound] when there is none.
func (c *Client) Follower(ctx context.Context, name string) (Follower, error) {
	return get[Follower](ctx, c, "show follower", followerPath("show", name, nil))
}

// ResetFollower moves a follower: to is an offset, [ToStart] or [ToEnd]. It returns where it stands then.
func (c *Client) ResetFollower(ctx context.Context, name, to string) (Follower, error) {
	path := followerPath("reset", name, url.Values{ParamTo: {to}})
	return call[Follower](ctx, c, "reset follower", http.MethodPost, path)
}

// SkipFollower moves a follower behind the next n entries that are for it, or to the end when there are
// fewer, and returns how many they were.
func (c *Client) SkipFollower(ctx context.Context, name string, n uint64) (uint64, error) {
	path := followerPath("skip", name, url.Values{ParamEntries: {strconv.FormatUint(n, 10)}})
	skipped, err := call[Counted](ctx, c, "skip entries", http.MethodPost, path)
	return skipped.Entries, err
}

// RemoveFollower has the node forget a follower: its cursor, what it has parked, and its keys.
func (c *Client) RemoveFollower(ctx context.Context, name string) error {
	_, err := call[Counted](ctx, c, "remove follower", http.MethodPost, followerPath("remove", name, nil))
	return err
}

// Parked yields what a follower has parked, in order of offset.
func (c *Client) Parked(ctx context.Context, name string) iter.Seq2[ParkedEntry, error] {
	return decoded[ParkedEntry](c.stream(ctx, "list parked entries", http.MethodGet, followerPath("parked", name, nil), nil))
}

// DropParked gives up what a follower has parked at the offsets, all or none of it, or everything when no
// offset is given. It returns how many entries that were.
func (c *Client) DropParked(ctx context.Context, name string, offsets ...uint64) (uint64, error) {
	more := url.Values{}
	for _, offset := range offsets {
		more.Add(ParamOffset, strconv.FormatUint(offset, 10))
	}
	dropped, err := call[Counted](ctx, c, "drop parked entries", http.MethodPost, followerPath("drop", name, more))
	return dropped.Entries, err
}

// followerPath returns the path of a call about a follower. The name is a parameter, since it may be
// one that no path can hold, such as "..".
func followerPath(call, name string, more url.Values) string {
	params := url.Values{ParamName: {name}}
	for k, v := range more {
		params[k] = v
	}
	return "/v1/followers/" + call + "?" + params.Encode()
}
