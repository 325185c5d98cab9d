package client

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// missedPrefix begins the line of a stream that is a [api.Missed]. No other line begins with it.
const missedPrefix = `{"missed":`

// Broadcast tells a transient event to those who listen now, who are at to. It is stored nowhere.
func (c *Client) Broadcast(ctx context.Context, e crdt.Event, to string) (api.Reach, error) {
	path := "/v1/broadcast?" + api.ParamTo + "=" + to
	return callWith[api.Reach](ctx, c, "broadcast", http.MethodPost, path, bytes.NewReader(e.AppendJSON(nil)))
}

// Missed reports whether a line of [Client.Tail] says that transient events were missed, and how many.
func (l Line) Missed() (uint64, bool) {
	var m api.Missed
	if !bytes.HasPrefix(l, []byte(missedPrefix)) || json.Unmarshal(l, &m) != nil {
		return 0, false
	}
	return m.Missed, true
}

// Broadcast parses a line of [Client.Tail] that is a transient event, which has no place and no offset.
// It reports false for any other.
func (l Line) Broadcast() (crdt.Broadcast, bool) {
	b, err := crdt.ParseBroadcastJSON(l)
	return b, err == nil
}
