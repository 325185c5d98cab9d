package api

// Unmatched is a value of a query that no entry has which this node holds: nothing can match it, until such
// an entry is written.
type Unmatched struct {
	// What is "author", "kind", "module" or "subject".
	What  string `json:"what"`
	Value string `json:"value"` // the one that no entry has
	// Nearest is a value that resembles it and that one of the newest entries has; empty for none.
	Nearest string `json:"nearest,omitempty"`
}
