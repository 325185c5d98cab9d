package main

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
)

// table prints rows as they come, in columns that are at least as wide as planned. It knows no row
// before it is printed, so a long cell pushes what follows to the right.
type table struct {
	w      io.Writer
	widths []int
}

// newTable prints the heads of the columns; each is as wide as its head at least. The last column has
// whatever width it needs.
func newTable(w io.Writer, heads []string, widths ...int) (*table, error) {
	t := &table{w: w, widths: widths}
	return t, t.row(heads...)
}

// row prints a row. Cells are made printable.
func (t *table) row(cells ...string) error {
	var b strings.Builder
	for i, cell := range cells {
		cell = printable(cell)
		b.WriteString(cell)
		if i == len(cells)-1 {
			break
		}
		pad := 0
		if i < len(t.widths) {
			pad = t.widths[i] - utf8.RuneCountInString(cell)
		}
		b.WriteString(strings.Repeat(" ", max(pad, 0)+2))
	}
	line := strings.TrimRight(b.String(), " ") + "\n"
	_, err := io.WriteString(t.w, line)
	return err
}

// The widths of cells that several tables have.
const (
	placeWidth = 14
	timeWidth  = 24
	timeLayout = "2006-01-02T15:04:05.000Z"
)

// shortPlace returns a place for people: the first 8 digits of its author, and its seq.
func shortPlace(p crdt.Place) string {
	_, rest, _ := strings.Cut(p.String(), "/")
	return p.Author.Short() + "/" + rest
}
