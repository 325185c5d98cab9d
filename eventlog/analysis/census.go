package analysis

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/quipulog/quipu/eventlog"
)

// Census counts entries by kind, module and author. The zero Census has counted none.
type Census struct {
	Entries uint64
	// Disputed counts the entries on branches of authors who have forked.
	Disputed uint64
	// Gone counts entries that are not in the log any more, if the reading shows them: nothing else here
	// counts them.
	Gone uint64
	// First and Last are the least and the greatest event time; zero without entries.
	First, Last             time.Time
	kinds, modules, authors names
}

// Count is a name and how many entries have it.
type Count struct {
	Name    string `json:"name"`
	Entries uint64 `json:"entries"`
}

// Counts are the names that were met first, up to [MaxNames], the ones with most entries first, then by
// name. Others is how many entries have another name.
type Counts struct {
	Names  []Count `json:"names"`
	Others uint64  `json:"others,omitempty"`
}

// Add counts an entry, or the gone entries that it stands for. It keeps none of its memory.
func (c *Census) Add(e *eventlog.Entry) {
	if e.Gone > 0 {
		c.Gone += e.Gone
		return
	}
	if c.Entries == 0 {
		c.First, c.Last = e.Time, e.Time
	}
	c.Entries++
	if e.Disputed {
		c.Disputed++
	}
	if e.Time.Before(c.First) {
		c.First = e.Time
	}
	if e.Time.After(c.Last) {
		c.Last = e.Time
	}
	c.kinds.add(e.Kind)
	c.modules.add(e.Module)
	c.authors.add(string(e.Author[:]))
}

// Kinds returns how many entries each kind has.
func (c *Census) Kinds() Counts { return c.kinds.counts(asIs) }

// Modules returns how many entries each module has; those without one count under "".
func (c *Census) Modules() Counts { return c.modules.counts(asIs) }

// Authors returns how many entries each author has, by its hex form.
func (c *Census) Authors() Counts {
	return c.authors.counts(func(key string) string { return hex.EncodeToString([]byte(key)) })
}

func asIs(name string) string { return name }

// names counts by name.
type names struct {
	known  map[string]uint64
	others uint64
}

func (n *names) add(name string) {
	count, known := n.known[name]
	switch {
	case known:
		n.known[name] = count + 1
	case len(n.known) == MaxNames:
		n.others++
	default:
		if n.known == nil {
			n.known = make(map[string]uint64)
		}
		n.known[strings.Clone(name)] = 1
	}
}

func (n *names) counts(text func(string) string) Counts {
	counts := Counts{Names: make([]Count, 0, len(n.known)), Others: n.others}
	for name, entries := range n.known {
		counts.Names = append(counts.Names, Count{text(name), entries})
	}
	slices.SortFunc(counts.Names, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Entries, a.Entries), cmp.Compare(a.Name, b.Name))
	})
	return counts
}
