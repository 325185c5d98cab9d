package incarnation

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
)

func name(i int) (b [16]byte) {
	binary.BigEndian.PutUint64(b[:], uint64(i))
	return b
}

// again returns n as it is read from what is written of it.
func again(t *testing.T, n Names) Names {
	t.Helper()
	read, err := Parse(n.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestEachNameHoldsUpToItsBound(t *testing.T) {
	n := again(t, Names{Present: name(1)})
	n = again(t, n.Begin(name(2), 10, 3))
	n = again(t, n.Begin(name(3), 5, 4)) // put back behind where name 2 began
	n = again(t, n.Begin(name(4), 8, 2))
	for _, want := range []struct {
		name          int
		offset, sweep uint64
		known         bool
	}{
		{1, 5, 2, true}, {2, 5, 2, true}, {3, 8, 2, true}, {4, math.MaxUint64, math.MaxUint64, true}, {5, 0, 0, false},
	} {
		offset, sweep, known := n.Bound(name(want.name))
		if offset != want.offset || sweep != want.sweep || known != want.known {
			t.Errorf("name %d holds up to %d, sweep %d, known %t; want %+v", want.name, offset, sweep, known, want)
		}
	}
	if n.Present != name(4) {
		t.Errorf("present %x", n.Present)
	}
}

func TestTheOldestNameIsForgotten(t *testing.T) {
	n := Names{}
	for i := range maxEarlier + 1 {
		n = n.Begin(name(i+1), uint64(i), 0)
	}
	n = again(t, n)
	for i, want := range map[int]bool{0: false, 1: true, maxEarlier: true, maxEarlier + 1: true} {
		if _, _, known := n.Bound(name(i)); known != want {
			t.Errorf("name %d is known: %t", i, known)
		}
	}
	if _, err := Parse(append(n.Encode(), make([]byte, 32)...)); !errors.Is(err, errLength) {
		t.Errorf("more names than are kept: %v", err)
	}
}

func TestWhatIsNoNamesIsRefused(t *testing.T) {
	b := Names{Present: name(1)}.Begin(name(2), 1, 1).Encode()
	for _, b := range [][]byte{nil, b[:15], b[:17], b[:47], slices.Concat(b, []byte{0})} {
		if _, err := Parse(b); !errors.Is(err, errLength) {
			t.Errorf("%x: %v", b, err)
		}
	}
}
