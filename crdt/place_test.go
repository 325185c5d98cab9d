package crdt

import (
	"strings"
	"testing"
)

func TestPlaceText(t *testing.T) {
	a := rfc8032[0].public
	author := AuthorOf(rfcKey(0))
	for text, want := range map[string]Place{
		a + "/0":                {Author: author},
		a + "/9007199254740991": {Author: author, Seq: MaxSeq - 1},
		a + "/7@0102030405060708": {
			Author: author, Seq: 7, Branch: BranchID{1, 2, 3, 4, 5, 6, 7, 8},
		},
	} {
		got, err := ParsePlace(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParsePlace(%q) = %s, %v", text, got, err)
		}
		var back Place
		if err := back.UnmarshalText([]byte(text)); err != nil || back != want {
			t.Errorf("UnmarshalText(%q) = %s, %v", text, back, err)
		}
	}
}

func TestParsePlaceRefuses(t *testing.T) {
	a := rfc8032[0].public
	for _, text := range []string{
		"", a, a + "/", "/1", a + "/x", a + "/-1", a + "/+1", a + "/01", a + "/1.0", a + "/9007199254740992", a + "/18446744073709551616",
		a + "/1@", a + "/1@01", a + "/1@010203040506070809", a + "/1@010203040506070G", a + "/1@0102030405060708@", a + "/1/2",
		strings.ToUpper(a) + "/1", smallOrder[0] + "/1", " " + a + "/1", a + "/1 ", a + "/1@0000000000000000",
	} {
		if p, err := ParsePlace(text); err == nil {
			t.Errorf("ParsePlace(%q) = %s, want an error", text, p)
		}
	}
}

func TestEntryPlace(t *testing.T) {
	e := Entry{Author: AuthorOf(rfcKey(0)), Seq: 3, Op: OpID{0xab, 0xcd}}
	if got, want := e.Place().String(), rfc8032[0].public+"/3"; got != want {
		t.Errorf("place %s, want %s", got, want)
	}
	e.Disputed = true
	if got, want := e.Place().String(), rfc8032[0].public+"/3@abcd000000000000"; got != want {
		t.Errorf("disputed place %s, want %s", got, want)
	}
}

func TestHashText(t *testing.T) {
	h, id, log := Hash{1, 0xff}, OpID{2, 0xfe}, LogID{3, 0xfd}
	for _, tt := range []struct {
		about string
		text  string
		read  func(text []byte) error
	}{
		{"hash", h.String(), new(Hash).UnmarshalText},
		{"op id", id.String(), new(OpID).UnmarshalText},
		{"log id", log.String(), new(LogID).UnmarshalText},
	} {
		if err := tt.read([]byte(tt.text)); err != nil {
			t.Errorf("%s: %v", tt.about, err)
		}
		for _, bad := range []string{"", tt.text[2:], tt.text + "00", strings.ToUpper(tt.text), "g" + tt.text[1:]} {
			if err := tt.read([]byte(bad)); err == nil {
				t.Errorf("%s: %q reads", tt.about, bad)
			}
		}
	}
	var h2 Hash
	var id2 OpID
	text, _ := h.MarshalText()
	textID, _ := id.MarshalText()
	textLog, _ := log.MarshalText()
	log2, err := ParseLogID(string(textLog))
	if h2.UnmarshalText(text) != nil || id2.UnmarshalText(textID) != nil || err != nil || h2 != h || id2 != id || log2 != log {
		t.Errorf("read back %s, %s, %s, %v", h2, id2, log2, err)
	}
	if h.IsZero() || id.IsZero() || log.IsZero() || !(Hash{}).IsZero() || !(OpID{}).IsZero() || !(LogID{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}
