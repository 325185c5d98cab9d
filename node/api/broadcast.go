package api

// BroadcastParameters are those of a client's Broadcast.
var BroadcastParameters = []Parameter{{Name: ParamTo, OneOf: []string{ToHere, ToPeers}, Default: ToPeers, About: "Who is told of those who listen."}}

// ToHere and ToPeers are whom a client's Broadcast tells.
const (
	ToHere  = "here"  // those who listen at this node
	ToPeers = "peers" // and those at the peers that it is linked with, and at theirs
)

// Reach is whom a transient event was told. It is stored nowhere, and nothing more is known of it.
type Reach struct {
	// Listeners is how many took it at this node.
	Listeners int `json:"listeners"`
	// Relayed says whether the node sends such events to peers at all; always false for [ToHere].
	Relayed bool `json:"relayed"`
	// Peers is how many peers it was handed to.
	Peers int `json:"peers"`
}

// Missed is a line of a tail: so many transient events were missed here, since the client was too slow
// for them.
type Missed struct {
	Missed uint64 `json:"missed"`
}
