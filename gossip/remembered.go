package gossip

import (
	"cmp"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/find"
)

// Remembered is a member of an earlier run.
type Remembered struct {
	Author crdt.Author
	Name   string    // what it called itself; it may be anything
	Seen   time.Time // when it was last there
	Addrs  []string  // where it was, IP:PORT, the latest first
}

// placesOf returns where remembered members may be: first the latest address of each, those seen last first, then
// their other addresses.
func placesOf(all []Remembered) (places []find.Found) {
	all = slices.SortedStableFunc(slices.Values(all), func(a, b Remembered) int {
		return cmp.Or(b.Seen.Compare(a.Seen), a.Author.Compare(b.Author))
	})
	for i, more := 0, true; more; i++ {
		more = false
		for _, r := range all {
			if i < len(r.Addrs) {
				places, more = append(places, find.Found{Author: r.Author, Addr: r.Addrs[i]}), true
			}
		}
	}
	return places
}
