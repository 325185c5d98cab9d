package main

// The blanks between two columns, and before a line that goes on with a row.
const (
	between = 2
	indent  = 2
)

// What a column that may be cut is never narrower than, if it has that much to show; and the widest that a
// column becomes for its cells where nothing bounds a line.
const (
	leastCut   = 8
	mostPadded = 40
)

// layOut decides how wide each column is and which stand in one line.
func (t *table) layOut() {
	if t.room == 0 {
		t.lines = [][]int{t.shown()}
		for i, c := range t.columns {
			t.widths[i] = max(c.width, min(t.wants[i], mostPadded))
		}
		return
	}
	t.lines = t.fold()
	for n, line := range t.lines {
		room := t.room
		if n > 0 {
			room -= indent
		}
		t.share(line, room-between*(len(line)-1))
	}
}

// shown returns the columns that are not hidden.
func (t *table) shown() []int {
	var shown []int
	for i, hidden := range t.hidden {
		if !hidden {
			shown = append(shown, i)
		}
	}
	return shown
}

// least returns how narrow a column may become.
func (t *table) least(i int) int {
	least := t.wants[i]
	if c := t.columns[i]; c.fit != uncut {
		least = min(least, max(cellWidth(c.head), leastCut))
	}
	return min(least, t.room-indent)
}

// fold puts as many columns in each line as fit in it.
func (t *table) fold() [][]int {
	var lines [][]int
	var line []int
	left := t.room
	for _, i := range t.shown() {
		least := t.least(i)
		if len(line) > 0 && between+least > left {
			lines = append(lines, line)
			line, left = nil, t.room-indent
		}
		if len(line) > 0 {
			left -= between
		}
		left -= least
		line = append(line, i)
	}
	return append(lines, line)
}

// share gives the columns of a line their widths, which add up to room: what each wants, and where that is
// too much, those that want most get the same. What is left goes to who wants it, then to where more is planned,
// then to the last.
func (t *table) share(line []int, room int) {
	level := func(most int) (sum int) {
		for _, i := range line {
			t.widths[i] = max(t.least(i), min(t.wants[i], most))
			sum += t.widths[i]
		}
		return sum
	}
	most := 0
	for most < room && level(most+1) <= room {
		most++
	}
	left := room - level(most)
	widen := func(i, to int) {
		more := max(0, min(left, to-t.widths[i]))
		t.widths[i] += more
		left -= more
	}
	for _, i := range line {
		widen(i, t.wants[i])
	}
	for _, i := range line {
		widen(i, t.columns[i].width)
	}
	widen(line[len(line)-1], room)
}
