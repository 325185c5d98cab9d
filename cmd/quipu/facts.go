package main

import (
	"fmt"
	"io"
	"strings"
)

// facts are lines that each have a name and what there is to say, for people.
type facts struct{ b strings.Builder }

func (f *facts) line(name, format string, args ...any) {
	fmt.Fprintf(&f.b, "%-9s %s\n", name, printable(fmt.Sprintf(format, args...)))
}

// print writes the lines.
func (f *facts) print(w io.Writer) error {
	_, err := io.WriteString(w, f.b.String())
	return err
}
