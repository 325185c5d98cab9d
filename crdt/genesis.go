package crdt

import (
	"crypto/sha256"
	"fmt"

	"github.com/quipulog/quipu/crdt/enum"
)

// Admission says who may write to a log.
type Admission uint8

const (
	// AdmitOpen lets everyone write who can reach a member.
	AdmitOpen Admission = 0
	// AdmitAdmin lets those write whom the admins of the log have admitted.
	AdmitAdmin Admission = 1
)

// String returns "open" or "admin".
func (a Admission) String() string { return enum.Text(a, "admission", "open", "admin") }

// Genesis is what a log begins with; the log's id is its hash. It never changes.
type Genesis struct {
	Random    [32]byte // makes the log's id its own: from crypto/rand
	Admission Admission
	Admins    []Author // the root admin keys, ascending; none in an open log
}

// Encode returns the bytes of g: a msgpack array [version, random, admission, admins].
func (g Genesis) Encode() []byte {
	w := wireGenesis{Version: Version, Random: g.Random[:], Admission: uint64(g.Admission), Admins: make([][]byte, len(g.Admins))}
	for i := range g.Admins {
		w.Admins[i] = g.Admins[i][:]
	}
	return encode(&w)
}

// Log returns the id of the log that begins with g.
func (g Genesis) Log() LogID {
	sum := sha256.Sum256(append([]byte("quipu/log/v1\x00"), g.Encode()...))
	return LogID(sum[:16])
}

// ParseGenesis reads the bytes of a genesis.
func ParseGenesis(b []byte) (Genesis, error) {
	s := shape{b: b}
	s.version("genesis", 4)
	var g Genesis
	s.fill("random", g.Random[:])
	g.Admission = Admission(s.uint("admission", uint64(AdmitAdmin)+1))
	admins := s.array("admins", MaxAdmins)
	for i := 0; i < admins && s.err == nil; i++ {
		var a Author
		s.fill("admin", a[:])
		g.Admins = append(g.Admins, a)
	}
	s.end("genesis")
	if (g.Admission == AdmitAdmin) != (admins > 0) {
		s.fail("%d admins in a log with %s admission", admins, g.Admission)
	}
	if s.err != nil {
		return Genesis{}, fmt.Errorf("parse genesis: %w", s.err)
	}
	for i, a := range g.Admins {
		if err := a.Valid(); err != nil {
			return Genesis{}, fmt.Errorf("parse genesis: %w", err)
		}
		if i > 0 && g.Admins[i-1].Compare(a) >= 0 {
			return Genesis{}, fmt.Errorf("parse genesis: %w: admins are not strictly ascending", ErrMalformed)
		}
	}
	return g, nil
}
