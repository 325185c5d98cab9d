// Package enum gives the values of an enum their names. An enum is a number of a type of its own, whose
// constants count from 0 on.
package enum

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt/clip"
)

// Text returns the name of a value, where names are those of all values from 0 on. One without a name, or
// whose name is empty, is WHAT(NUMBER).
func Text[E ~uint8](value E, what string, names ...string) string {
	if int(value) < len(names) && names[value] != "" {
		return names[value]
	}
	return fmt.Sprintf("%s(%d)", what, uint8(value))
}

// Parse returns the value that has a name. The empty text is the value 0.
func Parse[E ~uint8](text, what string, names ...string) (E, error) {
	i := slices.Index(names, text)
	if i < 0 && text != "" {
		return 0, fmt.Errorf("%s %q: expected %s", what, clip.Text(text), OneOf(names))
	}
	return E(max(i, 0)), nil
}

// OneOf returns "a, b or c".
func OneOf(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
