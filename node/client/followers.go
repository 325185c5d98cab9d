package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/quipulog/quipu/node/api"
)

// Followers yields where each follower stands, in order of name.
func (c *Client) Followers(ctx context.Context) iter.Seq2[api.Follower, error] {
	return decoded[api.Follower](c.stream(ctx, "list followers", http.MethodGet, "/v1/followers", nil))
}

// Follower returns where the follower called name stands. It returns [api.ErrNotFound] when there is none.
func (c *Client) Follower(ctx context.Context, name string) (api.Follower, error) {
	return get[api.Follower](ctx, c, "show follower", followerPath("", name, nil))
}

// ResetFollower moves a follower: to is an offset, [api.ToStart] or [api.ToEnd]. It returns where it stands then.
func (c *Client) ResetFollower(ctx context.Context, name, to string) (api.Follower, error) {
	path := followerPath("reset", name, url.Values{api.ParamTo: {to}})
	return call[api.Follower](ctx, c, "reset follower", http.MethodPost, path)
}

// SkipFollower moves a follower behind the next n entries that are for it, or to the end when there are
// fewer, and returns how many they were.
func (c *Client) SkipFollower(ctx context.Context, name string, n uint64) (uint64, error) {
	path := followerPath("skip", name, url.Values{api.ParamEntries: {strconv.FormatUint(n, 10)}})
	skipped, err := call[api.Counted](ctx, c, "skip entries", http.MethodPost, path)
	return skipped.Entries, err
}

// RemoveFollower has the node forget a follower: its cursor, what it has parked, and its keys.
func (c *Client) RemoveFollower(ctx context.Context, name string) error {
	_, err := call[api.Counted](ctx, c, "remove follower", http.MethodDelete, followerPath("", name, nil))
	return err
}

// Parked yields what a follower has parked, in order of offset.
func (c *Client) Parked(ctx context.Context, name string) iter.Seq2[api.ParkedEntry, error] {
	return decoded[api.ParkedEntry](c.stream(ctx, "list parked entries", http.MethodGet, followerPath("parked", name, nil), nil))
}

// DropParked gives up what a follower has parked at the offsets, all or none of it, or everything when no
// offset is given. It returns how many entries that were.
func (c *Client) DropParked(ctx context.Context, name string, offsets ...uint64) (uint64, error) {
	more := url.Values{}
	for _, offset := range offsets {
		more.Add(api.ParamOffset, strconv.FormatUint(offset, 10))
	}
	dropped, err := call[api.Counted](ctx, c, "drop parked entries", http.MethodPost, followerPath("drop", name, more))
	return dropped.Entries, err
}

// followerPath returns the path of a call about a follower.
func followerPath(call, name string, params url.Values) string {
	path := "/v1/followers/" + api.Segment(name)
	if call != "" {
		path += "/" + call
	}
	if len(params) > 0 {
		path += "?" + params.Encode()
	}
	return path
}
