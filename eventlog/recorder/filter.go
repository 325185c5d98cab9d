package recorder

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
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
			logger.Warn("the recorder's filter names a kind that is not known: nothing is recorded by it", "kind", k, "nearest", nearest(k, known))
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
			logger.Warn("the recorder's filter names a kind of which no event came", "kind", k, "nearest", nearest(k, seen))
			n++
		}
	}
	return n
}

// nearest returns up to three of known that take the fewest edits to make of name, the nearest first;
// only those within a third of its length.
func nearest(name string, known []string) []string {
	type candidate struct {
		name  string
		edits int
	}
	var near []candidate
	for _, k := range known {
		if d := edits(strings.ToLower(name), strings.ToLower(k)); d <= max(len(name)/3, 1) && k != name {
			near = append(near, candidate{k, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.edits - b.edits })
	var names []string
	for _, c := range near[:min(len(near), 3)] {
		names = append(names, c.name)
	}
	return names
}

// edits returns how many bytes must be put in, left out or changed to make b of a (Levenshtein, 1966).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
