package api

import (
	"github.com/quipulog/quipu/crdt"
)

// SyncRequest says whom to sync with.
type SyncRequest struct {
	Addr string `json:"addr"` // HOST:PORT, or a name as start --join takes it
}

// Synced is what a sync has exchanged: each of the two now holds what the other held when it began, less what Shut and
// Refused count.
type Synced struct {
	Author crdt.Author `json:"author,omitzero"`
	Name   string      `json:"name"` // what the peer calls itself; it may be anything
	Addr   string      `json:"addr"` // HOST:PORT that was dialled
	// Received and Sent are entries: new here, and sent to the peer.
	Received uint64 `json:"received"`
	Sent     uint64 `json:"sent"`
	// Shut is how many authors were left out, since one of the two takes no more of them.
	Shut int `json:"shut,omitempty"`
	// Refused is how many authors there are of whom something did not come or was not taken here.
	Refused int `json:"refused,omitempty"`
	// Damaged is how many places cannot be read here, of which the peer has given nothing. DamagedMore says that there are
	// others.
	Damaged     int     `json:"damaged,omitempty"`
	DamagedMore bool    `json:"damagedMore,omitempty"`
	Seconds     float64 `json:"seconds"` // how long it took
	// Error is why the sync did not come to its end, or is not complete; who asks for one sync is returned it instead.
	Error string `json:"error,omitempty"`
}
