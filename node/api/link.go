package api

import (
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Link is a stream between two nodes over which ops can flow.
type Link struct {
	// Author is that of the node at the other end, Name what it calls itself; that may be anything.
	Author crdt.Author `json:"author"`
	Name   string      `json:"name,omitempty"`
	// Addr is where its stream comes from, or leads to where Dialled is true: then this node has made the link.
	Addr    string `json:"addr"`
	Dialled bool   `json:"dialled"`
	// Since is when the link was made, Heard when something came on it last.
	Since time.Time `json:"since"`
	Heard time.Time `json:"heard"`
	// Eager says that new entries go out on it at once; otherwise the other is told that there are some.
	Eager bool `json:"eager"`
	// Received is how many entries came on it that were new, Sent how many went out.
	Received uint64 `json:"received"`
	Sent     uint64 `json:"sent"`
}
