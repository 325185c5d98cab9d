// Package clip shortens what strangers wrote to what a message or a record has room for.
package clip

import (
	"fmt"
	"strings"
)

// Text returns s as an error message shows it: whole, or its first 80 bytes and "…".
func Text(s string) string { return To(s, 80) }

// To returns s, or its [Start] of at most most bytes and "…".
func To(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return Start(s, most) + "…"
}

// Start returns the first most bytes of s or all of it, without what is no UTF-8: neither a character that
// is cut in two nor bytes that were none before.
func Start(s string, most int) string {
	return strings.ToValidUTF8(s[:min(len(s), most)], "")
}

// List returns the texts of the first most items in a line, and how many more there are.
func List[T any](items []T, most int, text func(T) string) string {
	var texts []string
	for _, item := range items[:min(len(items), most)] {
		texts = append(texts, text(item))
	}
	line := strings.Join(texts, ", ")
	if more := len(items) - most; more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return line
}
