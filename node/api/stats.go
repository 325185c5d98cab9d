package api

import (
	"slices"
	"time"
)

// Stats count the entries that a query takes.
type Stats struct {
	Entries  uint64 `json:"entries"`  // how many they are
	Disputed uint64 `json:"disputed"` // how many stand on branches of authors who contradict themselves
	// Gone is how many of the authors in question are not here any more: nothing else here counts them.
	Gone uint64 `json:"gone"`
	// First and Last are the least and the greatest time of an entry; null without entries.
	First *time.Time `json:"first"`
	Last  *time.Time `json:"last"`
	// Kinds, Modules and Authors are how many entries have each of them.
	Kinds   Counts `json:"kinds"`
	Modules Counts `json:"modules"`
	Authors Counts `json:"authors"`
	// Names are those of the authors' nodes that are known, by author; they may be anything.
	Names map[string]string `json:"names"`
}

// Counts are names and how many entries have each: the one with most first, then by name.
type Counts struct {
	Names  []Count `json:"names"`            // up to ten thousand, those that were met first
	Others uint64  `json:"others,omitempty"` // how many entries have another name
}

// Count is a name and how many entries have it.
type Count struct {
	Name    string `json:"name"`    // a kind, a module or an author
	Entries uint64 `json:"entries"` // how many have it
}

// StatsParameters are those of a [Query] that counts: it has no order, and nothing is shown.
var StatsParameters = slices.DeleteFunc(slices.Clone(QueryParameters), func(p Parameter) bool {
	return slices.Contains([]string{paramOrder, paramGoOn, paramReverse, ParamOffset, ParamAfter, ParamPage, paramTransient}, p.Name)
})
