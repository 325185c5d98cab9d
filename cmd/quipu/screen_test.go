package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestScreen(t *testing.T) {
	for in, want := range map[string]string{
		"{\"a\":\"ñ 漢 😀\"}\n\t": "{\"a\":\"ñ 漢 😀\"}\n\t",
		"c1 \u009b2J":           `c1 \u009b2J`,
		"bidi \u202e\u2066":     `bidi \u202e\u2066`,
		"del \x7f":              `del \u007f`,
		"esc \x1b[2J\r":         `esc \u001b[2J\u000d`,
		"tag \U000e0001":        `tag \udb40\udc01`,
		"bytes \xff\x9b":        `bytes \xff\x9b`,
	} {
		for cut := range len(in) + 1 {
			var out bytes.Buffer
			s := &screen{Writer: &out}
			for _, part := range []string{in[:cut], in[cut:]} {
				if n, err := io.WriteString(s, part); n != len(part) || err != nil {
					t.Errorf("%q: wrote %d bytes, %v", part, n, err)
				}
			}
			if out.String() != want {
				t.Errorf("%q, %q: got %q, want %q", in[:cut], in[cut:], out.String(), want)
			}
		}
	}
}

// TestScreenKeepsJSON: what is escaped means the same, and nothing is left that a terminal acts upon.
func TestScreenKeepsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "text")
		line, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := (&screen{Writer: &out}).Write(line); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got != want {
			t.Fatalf("%q became %q: %v", want, got, err)
		}
		if hidden := strings.IndexFunc(out.String(), func(r rune) bool { return !shown(r) }); hidden >= 0 {
			t.Fatalf("%q is shown", out.String()[hidden:])
		}
	})
}

func TestOnScreenLeavesFilesAlone(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, w := range []io.Writer{null, file, new(bytes.Buffer)} {
		if onScreen(w) != w {
			t.Errorf("%T is taken for a screen", w)
		}
	}
}

func TestCSVText(t *testing.T) {
	for in, want := range map[string]string{
		"order.paid": "order.paid", "": "", "-": "'-", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", " =1": "' =1",
		"\t=1": `\t=1`, "\r=1": `\x0d=1`, "\n=1": `\n=1`, "＝1": "'＝1", "a=1": "a=1", "\x1b[2J": `\x1b[2J`, "a\u202eb": `a\u202eb`,
	} {
		if got := csvText(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
