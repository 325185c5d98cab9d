package analysis_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/eventlog/analysis"
)

// rfc6901 is the document of RFC 6901, section 5.
const rfc6901 = `{
  "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8,
  "deep": {"er": [[1, {"x": "\u0041\\\""}], []]}, "twice": 1, "twice": 2, "~1": 9
}`

func TestPointer(t *testing.T) {
	for text, want := range map[string]string{
		"/foo": `["bar", "baz"]`, "/foo/0": `"bar"`, "/foo/1": `"baz"`, "/": "0", "/a~1b": "1", "/c%d": "2", "/e^f": "3",
		"/g|h": "4", `/i\j`: "5", `/k"l`: "6", "/ ": "7", "/m~0n": "8", "/~01": "9", "/deep/er/0/1/x": `"\u0041\\\""`, "/deep/er/1": "[]",
		"/foo/2": "", "/foo/00": "", "/foo/-": "", "/foo/+1": "", "/foo/0/x": "", "/twice": "", "/nothing": "", "/deep/er/1/0": "",
	} {
		p := pointer(t, text)
		if got, found := p.Find([]byte(rfc6901)); string(got) != want || found != (want != "") || p.String() != text {
			t.Errorf("%s points to %q, %t, want %q", text, got, found, want)
		}
	}
	for _, text := range []string{"", "foo", "/~", "/~2", "/a~"} {
		if p, err := analysis.ParsePointer(text); !errors.Is(err, analysis.ErrPointer) {
			t.Errorf("%q is %v, %v", text, p, err)
		}
	}
	for _, doc := range []string{"", "x", `{"foo":`, `{"foo":1} 2`, "7", `"foo"`, "null"} {
		if got, found := pointer(t, "/foo").Find([]byte(doc)); found {
			t.Errorf("in %q /foo is %q", doc, got)
		}
	}
}

// FuzzPointer holds what is found against encoding/json.
func FuzzPointer(f *testing.F) {
	f.Add(rfc6901, "deep", "er")
	f.Add(`[[1,2],{"1":3e999}]`, "1", "1")
	f.Add(`{"a\ud800":{"~/":1}}`, "a\ufffd", "~/")
	f.Fuzz(func(t *testing.T, doc, first, second string) {
		escape := strings.NewReplacer("~", "~0", "/", "~1").Replace
		value, found := pointer(t, "/"+escape(first)+"/"+escape(second)).Find([]byte(doc))
		if !found || !utf8.ValidString(doc) {
			return // encoding/json changes what is not UTF-8
		}
		whole := decode(t, doc)
		for _, token := range []string{first, second} {
			switch at := whole.(type) {
			case map[string]any:
				whole = at[token]
			case []any:
				i, err := strconv.Atoi(token)
				if err != nil {
					t.Fatal(err)
				}
				whole = at[i]
			}
		}
		if diff := cmp.Diff(whole, decode(t, string(value))); diff != "" {
			t.Errorf("found %s (-want +got):\n%s", value, diff)
		}
	})
}

func decode(t *testing.T, doc string) (value any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		t.Fatalf("%q: %v", doc, err)
	}
	return value
}

func pointer(t testing.TB, text string) analysis.Pointer {
	t.Helper()
	p, err := analysis.ParsePointer(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
