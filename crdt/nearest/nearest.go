// Package nearest finds the known name that somebody probably meant: a mistyped flag, command or field
// is refused with the name it resembles most.
//
// A name resembles another when few edits lead from one to the other. An edit puts in, leaves out or
// changes one byte, or swaps two that stand side by side (the optimal string alignment of Damerau, 1964).
// Names that need more edits than a third of their length, and more than one, are not taken for each
// other, because a guess that is far off is worse than none.
package nearest

import (
	"fmt"
	"strings"

	"github.com/quipulog/quipu/crdt/clip"
)

// Unknown is the error for a field, or what else what says, that has a name that is not known. It lists the
// known names, and asks whether the nearest was meant where one is near.
func Unknown(what, name string, known []string) error {
	names := fmt.Sprintf("the %ss are %s", what, strings.Join(known, ", "))
	if len(known) == 0 {
		names = "there are no " + what + "s here"
	}
	if near := Name(name, known); near != "" {
		return fmt.Errorf("unknown %s %q: did you mean %q? (%s)", what, clip.Text(name), near, names)
	}
	return fmt.Errorf("unknown %s %q: %s", what, clip.Text(name), names)
}

// Name returns the one of known that takes the fewest edits to reach from name, whatever the case, or
// "" when none is near. Of several as near as each other it returns the first.
func Name(name string, known []string) string {
	name = strings.ToLower(name)
	best, least := "", max(1, len(name)/3)+1
	for _, k := range known {
		if len(k)-len(name) >= least || len(name)-len(k) >= least {
			continue
		}
		if d := edits(name, strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// edits returns how many edits make b of a.
func edits(a, b string) int {
	// row[j] is the number for what of a was read so far and the first j bytes of b; above and above2
	// are the rows before it.
	row, above, above2 := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		row, above, above2 = above2, row, above
		row[0] = i + 1
		for j := range len(b) {
			change := above[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, row[j]+1, above[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], above2[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
