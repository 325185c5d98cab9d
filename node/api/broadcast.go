package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/bom"
)

// ParamScope is the parameter of the scope of [Client.Broadcast], ScopeHere and ScopePeers its values.
const (
	ParamScope = "scope"

	ScopeHere  = "here"  // those who listen at this node
	ScopePeers = "peers" // and those at the peers that it is linked with, and at theirs
)

// Reach is whom a transient event was told. It is stored nowhere, and nothing more is known of it.
type Reach struct {
	// Listeners is how many took it at this node.
	Listeners int `json:"listeners"`
	// Relayed says whether the node sends such events to peers at all; always false for [ScopeHere].
	Relayed bool `json:"relayed"`
	// Peers is how many peers it was handed to.
	Peers int `json:"peers"`
}

// Missed is a line of a tail: so many transient events were missed here, since the client was too slow
// for them.
type Missed struct {
	Missed uint64 `json:"missed"`
}

// missedPrefix begins the line of a stream that is a [Missed]. No other line begins with it.
const missedPrefix = `{"missed":`

// Broadcast tells a transient event to those who listen now, as far as scope says. It is stored nowhere.
func (c *Client) Broadcast(ctx context.Context, e crdt.Event, scope string) (Reach, error) {
	path := "/v1/broadcast?" + ParamScope + "=" + scope
	return callWith[Reach](ctx, c, "broadcast", http.MethodPost, path, bytes.NewReader(e.AppendJSON(nil)))
}

// Missed reports whether a line of [Client.Tail] says that transient events were missed, and how many.
func (l Line) Missed() (uint64, bool) {
	var m Missed
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

// ReadBroadcast reads the one line that [Client.Broadcast] sends.
func ReadBroadcast(r io.Reader) (crdt.Event, error) {
	line, err := io.ReadAll(io.LimitReader(r, MaxLine+1))
	if err != nil {
		return crdt.Event{}, fmt.Errorf("read event: %w", err)
	}
	if len(line) > MaxLine {
		return crdt.Event{}, &Error{Code: TooLarge, Message: fmt.Sprintf("longer than %d bytes, which no event needs", MaxLine)}
	}
	if line, err = bom.Strip(line); err != nil {
		return crdt.Event{}, &Error{Code: Invalid, Message: err.Error()}
	}
	return crdt.ParseEventJSON(line)
}
