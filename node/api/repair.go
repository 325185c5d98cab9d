package api

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
	// Fetched is what was damaged or missing and was put back, Left what still is: each of the first 10,000 places. LeftMore
	// says that there are others.
	Fetched  []Hole `json:"fetched"`
	Left     []Hole `json:"left"`
	LeftMore bool   `json:"leftMore,omitempty"`
	// Asked are the nodes that were dialled for it, in order.
	Asked []Asked `json:"asked"`
	// Problems is what verify still finds; More counts the rest. Salvage says that some of it is no matter of entries: the
	// file itself is to be made anew.
	Problems []string `json:"problems,omitempty"`
	More     uint64   `json:"more,omitempty"`
	Salvage  bool     `json:"salvage,omitempty"`
	// Salvaged says that the file was made anew before, and from what; Error then why nothing else was done, "" if it was.
	Salvaged *Salvaged `json:"salvaged,omitempty"`
	Error    string    `json:"error,omitempty"`
}

// Asked is a node that was dialled.
type Asked struct {
	Addr     string `json:"addr"`            // HOST:PORT of the node
	Received uint64 `json:"received"`        // how many entries came that were new here
	Error    string `json:"error,omitempty"` // why it was not, or not to the end
}

// Salvaged is what was made of a damaged file.
type Salvaged struct {
	Damaged string   `json:"damaged"`           // path of the damaged file, which is kept
	Ops     uint64   `json:"ops"`               // how many ops the new one has
	Entries uint64   `json:"entries"`           // how many entries
	Lacking []Hole   `json:"lacking,omitempty"` // entries that had been there: the first thousand
	More    uint64   `json:"more,omitempty"`    // stretches of those that are not listed
	Lost    []string `json:"lost,omitempty"`    // what could not be had of all else than entries
}
