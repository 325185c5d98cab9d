package main

import (
	"fmt"
	"io"
	"strings"
)

// facts are lines that each have a name and what there is to say, for people.
type facts struct{ lines []string }

// nameWidth is how wide the names of facts are with what parts them from the rest.
const nameWidth = 10

func (f *facts) line(name, format string, args ...any) {
	f.lines = append(f.lines, fmt.Sprintf("%-*s %s", nameWidth-1, name, printable(fmt.Sprintf(format, args...))))
}

// print writes the lines. What does not fit a line goes on below it.
func (f *facts) print(w io.Writer) error {
	columns := room(w)
	var b strings.Builder
	for _, line := range f.lines {
		b.WriteString(wrap(line, columns, nameWidth))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
