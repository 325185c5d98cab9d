package main

import (
	"io"
	"strings"

	"github.com/quipulog/quipu/crdt"
)

// pageRows is how many rows of a table are looked at before its widths are decided.
const pageRows = 100

// column is one of a table's.
type column struct {
	head string
	// width is how wide the column is where there is room: a wider cell of its first page makes it wider.
	width int
	fit   fit
	// optional says that the column is left out until a cell of it has something.
	optional bool
}

// fit says what becomes of a cell that has not enough room.
type fit int

const (
	uncut     fit = iota // it is shown whole: a number, a time, what is typed again
	cutMiddle            // its middle is left out: of a subject, both ends tell
	cutEnd               // its end is left out: of a text
)

// table prints rows in columns. Their widths come from the first page of rows, which is printed once it is
// full or the table ends; later rows are printed as they come.
//
// With a room, no line is wider: columns that may be cut share what the others leave, the last one takes the
// rest, and a row whose columns do not even fit then goes on in further lines, a little to the right. A later
// row may make columns wider, and so the last one narrower, from there on. Without a room nothing is cut, and
// a long cell pushes what follows to the right.
type table struct {
	w       io.Writer
	room    int
	columns []column
	rows    int      // of the first page
	page    []record // not printed yet
	begun   bool     // the first page was printed
	hidden  []bool   // optional columns without anything so far
	wants   []int    // how wide each column would be, had it room
	widths  []int    // how wide it is
	lines   [][]int  // the columns that stand in each line of a row
}

// record is a row of a table, or a remark that stands between rows.
type record struct {
	cells  []string
	remark string
}

// newTable returns a table without rows that fits what w writes to.
func newTable(w io.Writer, columns []column) *table { return newTableIn(w, room(w), columns) }

// newTableIn is newTable for so much room.
func newTableIn(w io.Writer, room int, columns []column) *table {
	t := &table{w: w, room: room, columns: columns, rows: pageRows}
	for _, c := range columns {
		t.hidden = append(t.hidden, c.optional)
		t.wants = append(t.wants, cellWidth(c.head))
	}
	t.widths = make([]int, len(columns))
	return t
}

// row prints a row. Cells are made printable.
func (t *table) row(cells ...string) error {
	shown := make([]string, len(cells))
	for i, cell := range cells {
		shown[i] = printable(cell)
	}
	return t.add(record{cells: shown})
}

// say prints a remark between rows.
func (t *table) say(remark string) error { return t.add(record{remark: printable(remark)}) }

func (t *table) add(r record) error {
	if t.begun {
		return t.print(r)
	}
	t.page = append(t.page, r)
	if len(t.page) < t.rows {
		return nil
	}
	return t.end()
}

// end prints what was not printed yet. A table without rows has no head either.
func (t *table) end() error {
	if t.begun || len(t.page) == 0 {
		return nil
	}
	t.begun = true
	for _, r := range t.page {
		for i, cell := range r.cells {
			t.wants[i] = max(t.wants[i], cellWidth(cell))
			t.hidden[i] = t.hidden[i] && cell == ""
		}
	}
	t.layOut()
	err := t.printHead()
	for _, r := range t.page {
		if err == nil {
			err = t.print(r)
		}
	}
	t.page = nil
	return err
}

func (t *table) printHead() error {
	heads := make([]string, len(t.columns))
	for i, c := range t.columns {
		heads[i] = c.head
	}
	return t.printRow(heads)
}

// print prints a record whose page is past. One with something in a column that is hidden begins the table
// anew.
func (t *table) print(r record) error {
	if r.cells == nil {
		return t.write(wrap(r.remark, t.room, indent))
	}
	for i, cell := range r.cells {
		if t.hidden[i] && cell != "" {
			t.hidden[i] = false
			t.wants[i] = max(t.wants[i], cellWidth(cell))
			t.layOut()
			if err := t.printHead(); err != nil {
				return err
			}
		}
	}
	t.widen(r.cells)
	return t.printRow(r.cells)
}

func (t *table) printRow(cells []string) error {
	var b strings.Builder
	for n, line := range t.lines {
		text := t.line(line, cells)
		if n > 0 {
			if text == "" {
				continue
			}
			b.WriteString(strings.Repeat(" ", indent))
		}
		b.WriteString(text + "\n")
	}
	return t.write(b.String())
}

func (t *table) write(s string) error {
	_, err := io.WriteString(t.w, s)
	return err
}

// line returns the cells of a row that stand in one line.
func (t *table) line(line []int, cells []string) string {
	var b strings.Builder
	for n, i := range line {
		cell := cells[i]
		if t.room > 0 {
			cell = fitCell(cell, t.widths[i], t.columns[i].fit)
		}
		b.WriteString(cell)
		if n < len(line)-1 {
			b.WriteString(strings.Repeat(" ", max(t.widths[i]-cellWidth(cell), 0)+between))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// widen makes room for what a row has more than those before it: all that may not be cut, and of the rest
// what their columns are planned for.
func (t *table) widen(cells []string) {
	if t.room == 0 {
		return
	}
	wider := false
	for i, cell := range cells {
		want := cellWidth(cell)
		if t.columns[i].fit != uncut {
			want = min(want, t.columns[i].width)
		}
		if !t.hidden[i] && want > t.wants[i] {
			t.wants[i], wider = want, true
		}
	}
	if wider {
		t.layOut()
	}
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
