package api

// Index says how far the index of subjects and kinds is, and what it takes.
type Index struct {
	// Off says that the index is neither used nor kept.
	Off bool `json:"off,omitempty"`
	// Damaged says that it cannot be read. It is not used, and made anew by a daemon.
	Damaged bool `json:"damaged,omitempty"`
	// Reached is the offset below which everything is indexed, Next that of the next entry. Queries scan
	// what lies between.
	Reached uint64 `json:"reached"`
	Next    uint64 `json:"next"`
	// Layers is how many parts a query looks into, Postings how often an entry or a few side by side
	// stand in them, Bytes what they take of the log's file.
	Layers   int    `json:"layers"`
	Postings uint64 `json:"postings"`
	Bytes    uint64 `json:"bytes"`
}
