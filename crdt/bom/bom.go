// Package bom tells which encoding a text is in that people hand in: as a line of JSON, a configuration or
// the file with a secret.
//
// All texts of quipu are UTF-8. Some programs put a byte order mark before it, which means nothing and is
// left out; others write UTF-16, which would otherwise be refused as something that it is not.
package bom

import (
	"bytes"
	"fmt"
)

// marks are the beginnings of texts in encodings other than UTF-8. What begins with one of the longer
// marks begins with a shorter one too, so those stand first.
var marks = []struct{ mark, encoding string }{
	{"\xff\xfe\x00\x00", "UTF-32LE"},
	{"\x00\x00\xfe\xff", "UTF-32BE"},
	{"\xff\xfe", "UTF-16LE"},
	{"\xfe\xff", "UTF-16BE"},
}

// Strip returns b without the byte order mark of UTF-8, if it begins with one. It is an error when b is in
// UTF-16 or UTF-32, with a mark or without. A text is expected to begin with a character of ASCII, as JSON,
// YAML and hex digits do (RFC 4627, section 3).
func Strip(b []byte) ([]byte, error) {
	for _, m := range marks {
		if bytes.HasPrefix(b, []byte(m.mark)) {
			return nil, wrong(m.encoding)
		}
	}
	zero := func(i int) bool { return i < len(b) && b[i] == 0 }
	switch {
	case len(b) < 2 || !zero(0) && !zero(1):
		return bytes.TrimPrefix(b, []byte("\ufeff")), nil
	case zero(0) && zero(1) && zero(2) && !zero(3):
		return nil, wrong("UTF-32BE")
	case zero(0) && !zero(1):
		return nil, wrong("UTF-16BE")
	case !zero(0) && zero(2) && zero(3):
		return nil, wrong("UTF-32LE")
	case !zero(0):
		return nil, wrong("UTF-16LE")
	}
	return b, nil
}

func wrong(encoding string) error {
	return fmt.Errorf("it is in %s: expected UTF-8 (\"iconv -f %s -t UTF-8\" converts it)", encoding, encoding)
}
