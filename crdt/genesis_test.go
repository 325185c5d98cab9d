package crdt

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// someGeneses returns geneses of both kinds.
func someGeneses() []Genesis {
	admins := []Author{AuthorOf(rfcKey(0)), AuthorOf(rfcKey(1)), AuthorOf(rfcKey(2))}
	slices.SortFunc(admins, Author.Compare)
	return []Genesis{
		{Random: [32]byte{1, 2, 3}},
		{Random: [32]byte{31: 1}, Admission: AdmitAdmin, Admins: admins[:1]},
		{Random: [32]byte{31: 1}, Admission: AdmitAdmin, Admins: admins},
	}
}

func TestGenesisRoundTrip(t *testing.T) {
	ids := make(map[LogID]bool)
	for _, g := range someGeneses() {
		back, err := ParseGenesis(g.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g, back); diff != "" {
			t.Errorf("read back (-wrote +read):\n%s", diff)
		}
		ids[g.Log()] = true
	}
	if len(ids) != len(someGeneses()) {
		t.Errorf("%d geneses have %d ids", len(someGeneses()), len(ids))
	}
}

func TestParseGenesisRefuses(t *testing.T) {
	geneses := someGeneses()
	encoded := func(change func(g *Genesis)) []byte {
		g := geneses[2]
		g.Admins = slices.Clone(g.Admins)
		change(&g)
		return g.Encode()
	}
	for name, b := range map[string][]byte{
		"open with admins":      encoded(func(g *Genesis) { g.Admission = AdmitOpen }),
		"admin without admins":  encoded(func(g *Genesis) { g.Admins = nil }),
		"unknown admission":     encoded(func(g *Genesis) { g.Admission = 2 }),
		"admins not sorted":     encoded(func(g *Genesis) { g.Admins[0], g.Admins[1] = g.Admins[1], g.Admins[0] }),
		"an admin twice":        encoded(func(g *Genesis) { g.Admins[1] = g.Admins[0] }),
		"too many admins":       encoded(func(g *Genesis) { g.Admins = make([]Author, MaxAdmins+1) }),
		"admin of small order":  encoded(func(g *Genesis) { g.Admins = []Author{Author(unhex(smallOrder[0]))} }),
		"a byte after the end":  append(geneses[0].Encode(), 0),
		"cut off":               geneses[0].Encode()[:30],
		"one field more":        append(append([]byte{0x95}, geneses[0].Encode()[1:]...), 0),
		"random of 31 bytes":    bytes.Replace(geneses[0].Encode(), []byte{0xc4, 32, 1}, []byte{0xc4, 31}, 1),
		"admins as nil":         append(geneses[0].Encode()[:len(geneses[0].Encode())-1], 0xc0),
		"integer not shortest":  append(append(geneses[0].Encode()[:len(geneses[0].Encode())-2], 0xcc, 0), 0x90),
		"not an array at first": {0x84, 1},
	} {
		if g, err := ParseGenesis(b); err == nil {
			t.Errorf("%s: read as %+v", name, g)
		}
	}
}

func TestParseGenesisOfAnotherVersion(t *testing.T) {
	b := someGeneses()[0].Encode()
	b[1] = 2
	_, err := ParseGenesis(b)
	if version, ok := errors.AsType[*VersionError](err); !ok || version.Version != 2 || version.What != "genesis" {
		t.Errorf("ParseGenesis: %v, want a *VersionError for version 2", err)
	}
}

func TestAdmissionString(t *testing.T) {
	for a, want := range map[Admission]string{AdmitOpen: "open", AdmitAdmin: "admin", 7: "admission(7)"} {
		if a.String() != want {
			t.Errorf("Admission(%d) = %q, want %q", a, a, want)
		}
	}
}
