package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fullWidth are the characters that a terminal shows two columns wide, beside the scripts that have nothing
// but such: fullwidth forms and their punctuation, and the signs that are shown as pictures.
var fullWidth = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x231a, 0x231b, 1}, {0x23e9, 0x23f3, 1}, {0x25fd, 0x25fe, 1}, {0x2614, 0x2615, 1},
		{0x2648, 0x2653, 1}, {0x267f, 0x267f, 1}, {0x2693, 0x2693, 1}, {0x26a1, 0x26a1, 1}, {0x26aa, 0x26ab, 1},
		{0x26bd, 0x26be, 1}, {0x26c4, 0x26c5, 1}, {0x26ce, 0x26ce, 1}, {0x26d4, 0x26d4, 1}, {0x26ea, 0x26ea, 1},
		{0x26f2, 0x26f5, 1}, {0x26fa, 0x26fd, 1}, {0x2705, 0x270b, 1}, {0x2728, 0x2728, 1}, {0x274c, 0x274e, 1},
		{0x2753, 0x2757, 1}, {0x2795, 0x2797, 1}, {0x27b0, 0x27bf, 1}, {0x2b1b, 0x2b1c, 1}, {0x2b50, 0x2b55, 1},
		{0x2e80, 0x303e, 1}, {0x3041, 0xa4cf, 1}, {0xa960, 0xa97f, 1}, {0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1},
		{0xfe10, 0xfe19, 1}, {0xfe30, 0xfe6f, 1}, {0xff01, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{{0x16fe0, 0x18dff, 1}, {0x1aff0, 0x1b2ff, 1}, {0x1f000, 0x1faff, 1}, {0x20000, 0x3fffd, 1}},
}

// emojiForm is behind a sign that is to be shown as a picture, and so makes it wider.
const emojiForm = '\ufe0f'

// runeWidth returns how many columns of a terminal r takes, as far as can be told; never less than it takes.
func runeWidth(r rune) int {
	switch {
	case r < 0x300 || r == emojiForm:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(fullWidth, r):
		return 2
	}
	return 1
}

// cellWidth returns how many columns of a terminal s takes.
func cellWidth(s string) int {
	width := 0
	for _, r := range s {
		width += runeWidth(r)
	}
	return width
}

// fitCell returns s, cut to width columns where it has more.
func fitCell(s string, width int, how fit) string {
	if fitting(s, width) == len(s) {
		return s
	}
	if how != cutMiddle {
		return s[:fitting(s, width-1)] + "…"
	}
	end := (width - 1) / 2
	return s[:fitting(s, width-1-end)] + "…" + s[fittingEnd(s, end):]
}

// fitting returns how many bytes of s take at most width columns, in at most four characters a column: marks
// without end, which take none, do not fit anywhere.
func fitting(s string, width int) int {
	characters := 4 * width
	for i, r := range s {
		width, characters = width-runeWidth(r), characters-1
		if min(width, characters) < 0 {
			return i
		}
	}
	return len(s)
}

// fittingEnd returns where the end of s begins that takes at most width columns.
func fittingEnd(s string, width int) int {
	at := len(s)
	for i := at; i > 0; {
		r, size := utf8.DecodeLastRuneInString(s[:i])
		if width -= runeWidth(r); width < 0 {
			break
		}
		if i -= size; runeWidth(r) > 0 { // never a mark without what it stands on
			at = i
		}
	}
	return at
}

// wrap returns the words of a line in lines of at most room columns, unless one word is wider than that; those
// after the first begin with so many blanks. The first so many columns are never parted. Without a room it is
// one line.
func wrap(s string, room, blanks int) string {
	var b strings.Builder
	for room > 0 && cellWidth(s) > room {
		at := strings.LastIndexByte(s[:fitting(s, room+1)], ' ')
		if at <= blanks {
			next := strings.IndexByte(s[blanks+1:], ' ')
			if next < 0 {
				break
			}
			at = blanks + 1 + next
		}
		b.WriteString(strings.TrimRight(s[:at], " ") + "\n")
		s = strings.Repeat(" ", blanks) + s[at+1:]
	}
	return b.String() + s + "\n"
}
