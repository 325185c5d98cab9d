package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// tableFor returns a table of a room that prints to what it returns.
func tableFor(room int, columns []column) (*table, *strings.Builder) {
	var out strings.Builder
	t := newTable(&out, columns)
	t.room = room
	return t, &out
}

func printTable(t *table, out *strings.Builder, rows ...[]string) string {
	for _, row := range rows {
		_ = t.row(row...)
	}
	_ = t.end()
	return out.String()
}

func TestTable(t *testing.T) {
	columns := []column{{head: "PLACE", width: 8}, {head: "MODULE", fit: cutMiddle, optional: true}, {head: "SUBJECT", width: 10, fit: cutMiddle}, {head: "PAYLOAD", fit: cutEnd}}
	long := strings.Repeat("0123456789", 3)
	for _, test := range []struct {
		name string
		room int
		rows [][]string
		want string
	}{
		{"without a room nothing is cut", 0, [][]string{{"a/0", "", "s", long}, {"a/1", "", long + long, "p"}},
			"PLACE     SUBJECT                                   PAYLOAD\n" +
				"a/0       s                                         " + long + "\n" +
				"a/1       " + long + long + "  p\n"},
		{"what is planned, where there is room", 40, [][]string{{"a/0", "", "s", "p"}},
			"PLACE     SUBJECT     PAYLOAD\na/0       s           p\n"},
		{"the payload is cut to what is left", 40, [][]string{{"a/0", "", "s", long}},
			"PLACE  SUBJECT  PAYLOAD\na/0    s        01234567890123456789012…\n"},
		{"both are cut alike", 40, [][]string{{"a/0", "", long, long}},
			"PLACE  SUBJECT           PAYLOAD\na/0    01234567…3456789  01234567890123…\n"},
		{"a module", 40, [][]string{{"a/0", "", "s", "p"}, {"a/1", "m", "s", "p"}},
			"PLACE     MODULE  SUBJECT     PAYLOAD\na/0               s           p\na/1       m       s           p\n"},
		{"folded", 20, [][]string{{"a/0", "", "s", long}, {"a/1", "", "t", ""}},
			"PLACE     SUBJECT\n  PAYLOAD\na/0       s\n  01234567890123456…\na/1       t\n"},
		{"two columns a character", 40, [][]string{{"a/0", "", "漢字漢字漢字漢字", "漢字漢字漢字漢字漢字"}},
			"PLACE  SUBJECT           PAYLOAD\na/0    漢字漢字漢字漢字  漢字漢字漢字漢…\n"},
		{"no rows", 40, nil, ""},
	} {
		table, out := tableFor(test.room, columns)
		if got := printTable(table, out, test.rows...); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

// TestTableStreams: nothing is printed before the first page is full, and each row at once from then on.
func TestTableStreams(t *testing.T) {
	table, out := tableFor(0, []column{{head: "A"}, {head: "B"}})
	for i := range pageRows + 10 {
		if err := table.row(fmt.Sprint(i), "b"); err != nil {
			t.Fatal(err)
		}
		want := i + 2 // with the head
		if i < pageRows-1 {
			want = 0
		}
		if got := strings.Count(out.String(), "\n"); got != want {
			t.Fatalf("after %d rows %d lines are printed, want %d", i+1, got, want)
		}
	}
}

// TestTableGrows: a row behind the first page moves the columns for those that follow, and no head is printed
// again but for a column that was left out.
func TestTableGrows(t *testing.T) {
	table, out := tableFor(30, []column{{head: "AT"}, {head: "M", optional: true, fit: cutMiddle}, {head: "S", width: 6, fit: cutMiddle}, {head: "P", fit: cutEnd}})
	table.rows = 1
	long := strings.Repeat("p", 40)
	got := printTable(table, out, []string{"a/9", "", "s", long}, []string{"a/10", "", "abcdefgh", long}, []string{"a/11", "m", "s", long}, []string{"a/12", "", "s", long})
	want := "AT   S  P\na/9  s  " + strings.Repeat("p", 21) + "…\n" +
		"a/10  abc…gh  " + strings.Repeat("p", 15) + "…\n" +
		"AT    M  S       P\na/11  m  s       " + strings.Repeat("p", 12) + "…\n" +
		"a/12     s       " + strings.Repeat("p", 12) + "…\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestTableFits: no line is wider than the room, whatever the cells and the columns are.
func TestTableFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) column {
			return column{
				head: rapid.StringMatching("[A-Z ]{1,12}[A-Z]").Draw(t, "head"), width: rapid.IntRange(0, 30).Draw(t, "width"),
				fit: rapid.SampledFrom([]fit{uncut, cutMiddle, cutEnd}).Draw(t, "fit"), optional: rapid.Bool().Draw(t, "optional"),
			}
		}), 1, 12).Draw(t, "columns")
		columns[0].optional = false
		room := rapid.IntRange(leastRoom, 120).Draw(t, "room")
		table, out := tableFor(room, columns)
		table.rows = rapid.IntRange(1, 4).Draw(t, "page")
		for range rapid.IntRange(0, 10).Draw(t, "rows") {
			cell := rapid.OneOf(rapid.StringN(0, 70, -1), rapid.StringMatching("[a-z漢字é]{0,70}"))
			row := rapid.SliceOfN(cell, len(columns), len(columns)).Draw(t, "row")
			if err := table.row(row...); err != nil {
				t.Fatal(err)
			}
		}
		_ = table.end()
		for line := range strings.Lines(out.String()) {
			if got := cellWidth(strings.TrimSuffix(line, "\n")); got > room {
				t.Fatalf("%q is %d columns wide, in a room of %d", line, got, room)
			}
		}
	})
}

func TestFitCell(t *testing.T) {
	for _, test := range []struct {
		in    string
		width int
		how   fit
		want  string
	}{
		{"abcdef", 6, cutEnd, "abcdef"}, {"abcdefg", 6, cutEnd, "abcde…"}, {"abcdefg", 6, cutMiddle, "abc…fg"}, {"abcdefg", 1, cutMiddle, "…"},
		{"漢字漢字", 6, cutEnd, "漢字…"}, {"漢字漢字", 7, cutMiddle, "漢…字"}, {"漢字漢字", 8, cutMiddle, "漢字漢字"},
		{"e\u0301e\u0301e\u0301e\u0301", 3, cutMiddle, "e\u0301…e\u0301"}, {"e\u0301e\u0301", 2, cutEnd, "e\u0301e\u0301"}, {"❤\ufe0f❤\ufe0f", 3, cutEnd, "❤\ufe0f…"},
		{"a" + strings.Repeat("\u0301", 7), 2, cutEnd, "a" + strings.Repeat("\u0301", 7)}, {"a" + strings.Repeat("\u0301", 8), 2, cutEnd, "a\u0301\u0301\u0301…"},
	} {
		if got := fitCell(test.in, test.width, test.how); got != test.want {
			t.Errorf("%q in %d: got %q, want %q", test.in, test.width, got, test.want)
		}
	}
}

// TestWrap: words go on below, the name before them stays with the first, and none is broken or lost.
func TestWrap(t *testing.T) {
	for in, want := range map[string]string{
		"name      one two three four five six":   "name      one two three\n          four five six\n",
		"waits for one":                           "waits for one\n",
		"name      0123456789012345678901234 two": "name      0123456789012345678901234\n          two\n",
		"name      0123456789012345678901234":     "name      0123456789012345678901234\n",
	} {
		if got := wrap(in, 24, nameWidth); got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", in, got, want)
		}
		if got := wrap(in, 0, nameWidth); got != in+"\n" {
			t.Errorf("%q without a room: got %q", in, got)
		}
		words := slices.Collect(strings.FieldsSeq(wrap(in, 24, nameWidth)))
		if want := strings.Fields(in); !slices.Equal(words, want) {
			t.Errorf("%q: the words are %q", in, words)
		}
	}
}
