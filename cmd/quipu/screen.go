package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// screen is a terminal that is shown nothing that it would act upon, and nothing that hides or turns text:
// what [printable] escapes is written as JSON escapes it. Tables and messages were made printable before,
// so what is left to escape stands in JSON, where it means the same. A pipe and a file get every byte as it
// is.
type screen struct {
	io.Writer
	rest []byte // the beginning of a character whose other bytes are still to come
}

// onScreen returns a screen for a terminal, and any other writer as it is.
func onScreen(w io.Writer) io.Writer {
	if isScreen(w) {
		return &screen{Writer: w}
	}
	return w
}

// isScreen reports whether a person looks at what is written to w.
func isScreen(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isTerminal(file)
}

// toScreen reports whether a person looks at what a command writes to w.
func toScreen(w io.Writer) bool {
	switch w := w.(type) {
	case buffered:
		return toScreen(w.to)
	case output:
		_, ok := w.w.(*screen)
		return ok
	case *outlet:
		_, ok := w.out.(*screen)
		return ok
	}
	return false
}

// The columns of a terminal: of one that does not say how many it has, and the fewest and most that are
// believed.
const (
	usualRoom = 80
	leastRoom = 20
	mostRoom  = 4096
)

// room returns how many columns a line has that a command writes to w: what $COLUMNS says or the terminal
// does, or 0, which is without bound, where nobody looks.
func room(w io.Writer) int {
	if !toScreen(w) {
		return 0
	}
	columns, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if file, ok := bare(w).(*os.File); ok && (err != nil || columns <= 0) {
		columns = terminalColumns(file)
	}
	if columns <= 0 {
		return usualRoom
	}
	return min(max(columns, leastRoom), mostRoom)
}

// unscreened returns a command's stdout without its screen, for what moves the cursor on purpose.
func unscreened(w io.Writer) io.Writer {
	switch w := w.(type) {
	case output:
		return output{unhurried{w.ctx, unscreened(w.w)}}
	case *screen:
		return w.Writer
	}
	return w
}

func (s *screen) Write(b []byte) (int, error) {
	text := append(s.rest, b...)
	var safe []byte
	for len(text) > 0 && utf8.FullRune(text) {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			safe = fmt.Appendf(safe, `\x%02x`, text[0])
		case r == '\n' || r == '\t' || shown(r):
			safe = append(safe, text[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			safe = fmt.Appendf(safe, `\u%04x\u%04x`, high, low)
		default:
			safe = fmt.Appendf(safe, `\u%04x`, r)
		}
		text = text[size:]
	}
	s.rest = bytes.Clone(text)
	if _, err := s.Writer.Write(safe); err != nil {
		return 0, err
	}
	return len(b), nil
}
