package api

import "context"

// RepairRequest says whom to ask for what is damaged or missing, beside the members that are linked.
type RepairRequest struct {
	Join []string `json:"join,omitempty"` // HOST:PORT, or names as start --join takes them
	// Lacking is what a salvage before this has not found of feeds: what of it lies beyond their ends the log knows nothing of.
	Lacking []Hole `json:"lacking,omitempty"`
	// Salvaged says that the file was made anew just now: it is not to be made anew before anybody is asked.
	Salvaged bool `json:"salvaged,omitempty"`
}

// Repaired is what came of a repair.
type Repaired struct {
	// OK says that all is whole now.
	OK bool `json:"ok"`
	// Daemon says that a daemon did it, which cannot exchange its file.
	Daemon bool `json:"daemon,omitempty"`
	// Entries is how many were verified in the end.
	Entries uint64 `json:"entries"`
	// Fetched is what was damaged or missing and was put back, Left what still is.
	Fetched []Hole `json:"fetched"`
	Left    []Hole `json:"left"`
	// Asked are the nodes that were dialled for it, in order.
	Asked []Asked `json:"asked"`
	// Problems is what verify still finds; More counts the rest. Salvage says that some of it is no matter of entries: the
	// file itself is to be made anew.
	Problems []string `json:"problems,omitempty"`
	More     uint64   `json:"more,omitempty"`
	Salvage  bool     `json:"salvage,omitempty"`
	// Salvaged says that the file was made anew before, and from what.
	Salvaged *Salvaged `json:"salvaged,omitempty"`
}

// Asked is a node that was dialled.
type Asked struct {
	Addr     string `json:"addr"`
	Received uint64 `json:"received"`        // entries that were new here
	Error    string `json:"error,omitempty"` // why it was not, or not to the end
}

// Salvaged is what was made of a damaged file.
type Salvaged struct {
	Damaged string   `json:"damaged"` // path of the damaged file, which is kept
	Ops     uint64   `json:"ops"`
	Entries uint64   `json:"entries"`
	Lacking []Hole   `json:"lacking,omitempty"` // entries that had been there: the first thousand
	More    uint64   `json:"more,omitempty"`    // stretches of those that are not listed
	Lost    []string `json:"lost,omitempty"`    // what could not be had of all else than entries
}

// Repair has the node verify its log, ask others for what is damaged or missing, and verify again. Told hears meanwhile
// how far it is; nil for nobody.
func (c *Client) Repair(ctx context.Context, r RepairRequest, told func(Progress)) (Repaired, error) {
	return watch[Repaired](ctx, c, "repair", "/v1/repair", r, told)
}
