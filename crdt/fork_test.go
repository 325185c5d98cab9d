package crdt

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// forkedSet returns a drawing with covered ops on both sides of a fork, and the set that holds it.
func forkedSet(t testing.TB) (picture, *Set) {
	t.Helper()
	p := draw(t, 0, `
		a-b-c!-d-e
		  \-x!-y!-z`)
	set := NewSet(vectorLog)
	apply(t, set, p.run("a b c d e"))
	apply(t, set, p.run("x y z"))
	return p, set
}

// names returns the names of the headers.
func (p picture) names(headers []Signed) string {
	heads := make([]Head, len(headers))
	for i, h := range headers {
		heads[i] = h.Head()
	}
	return p.heads(heads)
}

func TestProveFork(t *testing.T) {
	p, set := forkedSet(t)
	f, _ := set.Feed(p.op("a").Author)
	b, found := f.BranchFrom(p.op("x").Key())
	if !found {
		t.Fatalf("no branch from x in %v", f.Branches)
	}
	proof, err := ProveFork(set, f, b)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := p.names(proof.A), p.names(proof.B); a != "x y z" || b != "c d" {
		t.Errorf("the proof shows %s and %s", a, b)
	}
	if err := proof.Verify(vectorLog); err != nil {
		t.Error(err)
	}
	if proof.Author() != p.op("a").Author {
		t.Errorf("author %s", proof.Author())
	}
}

func TestProveForkBelowFloor(t *testing.T) {
	p := draw(t, 0, `
		a-b-c-d-e^3-f
		\-x-y-z`)
	set := NewSet(vectorLog)
	apply(t, set, p.run("[e] d e f"))
	apply(t, set, p.run("z"))
	f, _ := set.Feed(p.op("a").Author)
	b, found := f.BranchFrom(p.op("z").Key())
	if !found {
		t.Fatalf("no branch from z in %v", f.Branches)
	}
	if _, err := ProveFork(set, f, b); !errors.Is(err, ErrNoForkProof) {
		t.Errorf("%v, want ErrNoForkProof", err)
	}
	if f.Heads()[1] != p.op("f").Head() || !f.Disputes(p.op("d").Header) {
		t.Errorf("the branch is not disputed: %v", f.Branches)
	}
}

func TestForkProofRefuses(t *testing.T) {
	p, _ := forkedSet(t)
	other := draw(t, 1, `
		a-b-c!-d-e
		  \-x!-y!-z`)
	side := func(names string) (headers []Signed) {
		for _, op := range p.run(names).Ops {
			headers = append(headers, op.Signed)
		}
		return headers
	}
	broken := draw(t, 0, `
		a-b-c-d
		  \-x!-y@3`) // y's clock is that of x
	for name, test := range map[string]struct {
		proof ForkProof
		log   LogID
		want  error
	}{
		"nothing":               {ForkProof{}, vectorLog, ErrRun},
		"one side":              {ForkProof{A: side("c d")}, vectorLog, ErrRun},
		"no fork":               {ForkProof{A: side("c d"), B: side("c d")}, vectorLog, ErrInvalid},
		"not after one op":      {ForkProof{A: side("c d"), B: side("y z")}, vectorLog, ErrInvalid},
		"no anchor":             {ForkProof{A: side("c d"), B: side("x y")}, vectorLog, ErrSignature},
		"a hole":                {ForkProof{A: side("c d"), B: side("x z")}, vectorLog, ErrRun},
		"another log":           {ForkProof{A: side("c d"), B: side("x y z")}, LogID{1}, ErrInvalid},
		"two authors":           {ForkProof{A: side("c d"), B: []Signed{other.op("c").Signed, other.op("d").Signed}}, vectorLog, ErrInvalid},
		"a chain breaks a law":  {ForkProof{A: side("c d"), B: []Signed{broken.op("x").Signed, broken.op("y").Signed}}, vectorLog, ErrInvalid},
		"an anchor of a cousin": {ForkProof{A: side("c d"), B: append(side("x"), side("d")...)}, vectorLog, ErrRun},
	} {
		t.Run(name, func(t *testing.T) {
			if err := test.proof.Verify(test.log); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

// Every fork of whatever tree is proven, and no byte of a proof can be changed.
func TestLawForkProofs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := author{forks: true, spoils: true}.ops(t, 10)
		set := NewSet(vectorLog)
		for _, chain := range chains(ops) {
			apply(t, set, Run{Ops: chain})
		}
		f, _ := set.Feed(ops[0].Author)
		if _, forked := f.Disputed(); !forked {
			return
		}
		for _, b := range f.Branches[1:] {
			// The first branch is what the others parted from; the rest have all one proof at least.
			proof, err := ProveFork(set, f, b)
			if err != nil {
				t.Fatalf("branch from %v: %v", b.Start, err)
			}
			if err := proof.Verify(vectorLog); err != nil {
				t.Fatal(err)
			}
			tamper(t, &proof)
			if err := proof.Verify(vectorLog); err == nil {
				t.Fatalf("a proof that was tampered with verifies")
			}
		}
	})
}

// tamper flips a bit of one header of a proof, if it is a header still; else it takes the last one
// away and puts the first in its place.
func tamper(t *rapid.T, p *ForkProof) {
	side := rapid.SampledFrom([]*[]Signed{&p.A, &p.B}).Draw(t, "side")
	i := rapid.IntRange(0, len(*side)-1).Draw(t, "header")
	b := slices.Clone((*side)[i].Bytes())
	bit := rapid.IntRange(0, 8*len(b)-1).Draw(t, "bit")
	b[bit/8] ^= 1 << (bit % 8)
	changed, err := ParseSigned(b)
	if err != nil {
		*side = append((*side)[:len(*side)-1:len(*side)-1], Signed{Header: (*side)[0].Header, raw: make([]byte, signatureSize)})
		return
	}
	*side = slices.Clone(*side)
	(*side)[i] = changed
}
