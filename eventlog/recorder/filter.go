package recorder

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/quipulog/quipu/crdt/nearest"
)

// filter says which kinds are recorded, and finds the names in it that no event has.
type filter struct {
	all   bool
	known bool // the unknown names were found by New

	mu   sync.RWMutex // guards what follows
	took map[string]bool
	// seen holds the kinds of events that came, whether they were taken or not, up to maxSeen.
	seen map[string]struct{}
}

func newFilter(kinds []string, known bool) *filter {
	f := &filter{all: kinds == nil, known: known, took: make(map[string]bool), seen: make(map[string]struct{})}
	for _, k := range kinds {
		f.took[k] = false
	}
	return f
}

// takes reports whether events of that kind are recorded.
func (f *filter) takes(kind string) bool {
	if f.all {
		return true
	}
	f.mu.RLock()
	came, takes := f.took[kind]
	_, seen := f.seen[kind]
	full := len(f.seen) >= maxSeen
	f.mu.RUnlock()
	if takes && !came || !seen && !full {
		f.see(kind)
	}
	return takes
}

func (f *filter) see(kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind = strings.Clone(kind)
	if _, takes := f.took[kind]; takes {
		f.took[kind] = true
	}
	if len(f.seen) < maxSeen {
		f.seen[kind] = struct{}{}
	}
}

// names returns the kinds that are taken, in order.
func (f *filter) names() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Sorted(maps.Keys(f.took))
}

// warnUnknown warns of the kinds of the filter that are not among those that the program has, and
// returns how many there are.
func (f *filter) warnUnknown(logger *slog.Logger, known []string) int {
	n := 0
	for _, k := range f.names() {
		if !slices.Contains(known, k) {
			logger.Warn("the recorder's filter names a kind that is not known: nothing is recorded by it", "kind", k, "nearest", nearest.Name(k, known))
			n++
		}
	}
	return n
}

// warnUnseen is warnUnknown at the end of a run, by what came in it.
func (f *filter) warnUnseen(logger *slog.Logger) int {
	if f.all || f.known {
		return 0
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	seen := slices.Sorted(maps.Keys(f.seen))
	n := 0
	for _, k := range slices.Sorted(maps.Keys(f.took)) {
		if !f.took[k] {
			logger.Warn("the recorder's filter names a kind of which no event came", "kind", k, "nearest", nearest.Name(k, seen))
			n++
		}
	}
	return n
}
