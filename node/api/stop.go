package api

import (
	"github.com/quipulog/quipu/node/age"
)

// StopRequest asks a daemon to end.
type StopRequest struct {
	// Wait is how long it may wait, at most, until other nodes hold its entries. It appends nothing meanwhile.
	Wait age.Age `json:"wait,omitempty"`
}

// Stopped is what a daemon says that is about to end.
type Stopped struct {
	// PID is its process.
	PID int `json:"pid"`
	// Unreplicated is what of its own feed no other node is known to hold; nil for a node that knows of no other.
	Unreplicated *Unreplicated `json:"unreplicated,omitempty"`
}
