package bom_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/quipulog/quipu/crdt/bom"
)

func TestStrip(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"a":                   "a",
		`{"a":1}`:             `{"a":1}`,
		"\ufeff" + `{"a":1}`:  `{"a":1}`,
		"\ufeff":              "",
		"\ufeff\ufeffa":       "\ufeffa",
		"a\ufeff":             "a\ufeff",
		"\x00":                "\x00",
		"\x00\x00":            "\x00\x00",
		"\x00\x00\x00\x00":    "\x00\x00\x00\x00",
		"\xff":                "\xff",
		"\xef\xbb":            "\xef\xbb",
		"ab\x00":              "ab\x00",
		"é":                   "é",
		"\x00\x00\x00\x00abc": "\x00\x00\x00\x00abc",
	} {
		if got, err := bom.Strip([]byte(text)); err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestStripNamesOtherEncodings(t *testing.T) {
	for _, text := range []string{`{"kind":"ñ"}`, "1", "name: a\n", "{"} {
		for _, mark := range []string{"", "\ufeff"} {
			for encoding, order := range map[string]binary.AppendByteOrder{"LE": binary.LittleEndian, "BE": binary.BigEndian} {
				var b16, b32 []byte
				for _, r := range mark + text {
					b32 = order.AppendUint32(b32, uint32(r))
				}
				for _, u := range utf16.Encode([]rune(mark + text)) {
					b16 = order.AppendUint16(b16, u)
				}
				for want, b := range map[string][]byte{"UTF-16" + encoding: b16, "UTF-32" + encoding: b32} {
					if got, err := bom.Strip(b); err == nil || !strings.Contains(err.Error(), "in "+want+": expected UTF-8") {
						t.Errorf("%q in %s: got %q, %v", mark+text, want, got, err)
					}
				}
			}
		}
	}
}
