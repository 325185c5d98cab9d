// Package incarnation is the names of a log's arrivals, by which whoever keeps an offset elsewhere says what the offset
// counts.
//
// A file that is put back to an older state, or copied, goes on from there with other arrivals than those that were
// told of before. So it gets a new name then, and remembers up to where each earlier name stands for what is here:
//
//	I1   0 ── 4 ─┬─ 5 … 10      told, and lost with the file
//	             └─ 5 … 10      what arrived since, as I2; I1 holds up to 5
package incarnation

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// maxEarlier bounds the earlier names that are remembered; the oldest is forgotten first, and what it named is refused.
const maxEarlier = 256

// errLength is returned by [Parse] for bytes of another length than names have.
var errLength = errors.New("wrong length")

// Names are those of a log's arrivals. They are a value: nothing changes them.
type Names struct {
	// Present names all arrivals that are here, and those that come.
	Present [16]byte
	earlier []earlier // the latest first
}

// earlier is a name that was the present one, with the offset up to which it holds, and the last sweep whose number
// means here what it meant then.
type earlier struct {
	Name          [16]byte
	Offset, Sweep uint64
}

// New returns a name that nobody else has.
func New() (name [16]byte) {
	_, _ = rand.Read(name[:]) // never fails, see crypto/rand
	return name
}

// Begin returns the names once the arrivals begin anew as name: what was given out before holds below offset, and up
// to a sweep.
func (n Names) Begin(name [16]byte, offset, sweep uint64) Names {
	before := append([]earlier{{n.Present, offset, sweep}}, n.earlier...)
	before = slices.Clip(before[:min(len(before), maxEarlier)])
	for i := range before {
		before[i].Offset, before[i].Sweep = min(before[i].Offset, offset), min(before[i].Sweep, sweep)
	}
	return Names{Present: name, earlier: before}
}

// Bound returns the offset up to which a name holds here, and up to which sweep, and whether it is known at all.
func (n Names) Bound(name [16]byte) (offset, sweep uint64, known bool) {
	if name == n.Present {
		return math.MaxUint64, math.MaxUint64, true
	}
	for _, e := range n.earlier {
		if e.Name == name {
			return e.Offset, e.Sweep, true
		}
	}
	return 0, 0, false
}

// Encode returns what [Parse] reads: Present (16), and of each earlier name, the latest first, the name (16) ‖ offset
// (8) ‖ sweep (8).
func (n Names) Encode() []byte {
	b := slices.Clone(n.Present[:])
	b, _ = binary.Append(b, binary.BigEndian, n.earlier) // all of it has a fixed size
	return b
}

// Parse reads what Encode has written.
func Parse(b []byte) (n Names, err error) {
	count := (len(b) - len(n.Present)) / binary.Size(earlier{})
	if len(b) < len(n.Present) || count > maxEarlier || len(b) != len(n.Present)+count*binary.Size(earlier{}) {
		return n, errLength
	}
	n.Present, n.earlier = [16]byte(b), make([]earlier, count)
	_, err = binary.Decode(b[len(n.Present):], binary.BigEndian, n.earlier)
	return n, err
}
