package follower

import (
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
)

// Filter is which entries a follower takes, as JSON in its record.
type Filter struct {
	Kinds    []string      `json:"kinds,omitempty"`
	Modules  []string      `json:"modules,omitempty"`
	Subjects []string      `json:"subjects,omitempty"`
	Authors  []crdt.Author `json:"authors,omitempty"`
	// Own says that it takes what it emitted itself, too.
	Own bool `json:"own,omitempty"`
}

// IsZero reports whether the filter takes everything that the follower has not emitted.
func (f Filter) IsZero() bool {
	return len(f.Kinds)+len(f.Modules)+len(f.Subjects)+len(f.Authors) == 0 && !f.Own
}

// Equal reports whether both take the same in the same words.
func (f Filter) Equal(g Filter) bool {
	return slices.Equal(f.Kinds, g.Kinds) && slices.Equal(f.Modules, g.Modules) && slices.Equal(f.Subjects, g.Subjects) &&
		slices.Equal(f.Authors, g.Authors) && f.Own == g.Own
}

// Size returns about how many bytes the filter has.
func (f Filter) Size() int {
	n := len(crdt.Author{}) * 2 * len(f.Authors)
	for _, texts := range [][]string{f.Kinds, f.Modules, f.Subjects} {
		for _, s := range texts {
			n += len(s) + 3
		}
	}
	return n
}

// String returns the filter in a line: "kind=a,b subject=s", empty when it takes everything.
func (f Filter) String() string {
	authors := make([]string, len(f.Authors))
	for i, a := range f.Authors {
		authors[i] = a.Short()
	}
	var parts []string
	for _, p := range []struct {
		name   string
		values []string
	}{{"kind", f.Kinds}, {"module", f.Modules}, {"subject", f.Subjects}, {"author", authors}} {
		if len(p.values) > 0 {
			parts = append(parts, p.name+"="+strings.Join(p.values, ","))
		}
	}
	if f.Own {
		parts = append(parts, "with its own")
	}
	return strings.Join(parts, " ")
}
