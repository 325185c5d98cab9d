package cords

import (
	"cmp"
	"slices"
	"strings"
)

// kinds are those of a log that are told apart: the first of them, by id.
type kinds struct {
	ids    map[string]kindID
	names  []string // of id 1 and on
	counts []uint64 // entries in all of the log
	// ones are the lists of a cell with one entry, by id.
	ones [][]kindCount
}

func newKindTable() *kinds {
	return &kinds{ids: make(map[string]kindID), ones: [][]kindCount{{{0, 1}}}}
}

// learn adds the kind with the next id.
func (k *kinds) learn(name string, count uint64) kindID {
	id := kindID(len(k.names) + 1)
	k.ids[name] = id
	k.names, k.counts, k.ones = append(k.names, name), append(k.counts, count), append(k.ones, []kindCount{{id, 1}})
	return id
}

// of returns the id by which a record counts a kind, 0 where it is not to tell it apart. With begins a kind that nobody has
// used may be a new one.
func (k *kinds) of(name string, r *record, begins bool) kindID {
	id, known := k.ids[name]
	switch {
	case known:
	case !begins || name == "" || len(k.names) == maxKinds || r.begun == newKinds:
		return 0
	default:
		id = k.learn(name, 0)
		r.begun++
	}
	if slices.Contains(r.kinds, id) {
		return id
	}
	if len(r.kinds) == r.kindsMost {
		return 0
	}
	r.kinds = append(r.kinds, id)
	return id
}

// most returns the ids of the kinds with the most entries, at most so many.
func (k *kinds) most(n int) []kindID {
	ids := make([]kindID, len(k.names))
	for i := range ids {
		ids[i] = kindID(i + 1)
	}
	slices.SortFunc(ids, func(a, b kindID) int {
		return cmp.Or(cmp.Compare(k.counts[b-1], k.counts[a-1]), strings.Compare(k.names[a-1], k.names[b-1]))
	})
	return ids[:min(n, len(ids))]
}
