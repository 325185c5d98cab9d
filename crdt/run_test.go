package crdt

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestRunVerify draws runs and says how many of their ops are authorised, and what is wrong with the
// rest.
func TestRunVerify(t *testing.T) {
	long := strings.TrimSuffix(strings.Repeat("p!-", MaxAnchorSearch), "-")
	for _, test := range []struct {
		name, drawing, run string
		want               int
		err                error
	}{
		{"all signed", "a-b-c", "a b c", 3, nil},
		{"from the middle", "a-b-c", "b c", 2, nil},
		{"covered", "a!-b!-c", "a b c", 3, nil},
		{"the last is bad", "a-b-c!", "a b c", 2, ErrSignature},
		{"all are bad", "a!-b!", "a b", 0, ErrSignature},
		{"not one after the other", "a-b-c", "a c", 1, ErrRun},
		{"back to front", "a-b", "b a", 1, ErrRun},
		{"the same twice", "a-b", "a a", 1, ErrRun},
		{"siblings", "a-b\n\\-x", "a b x", 2, ErrRun},
		{"a hole between seqs", "a-b/3", "a b", 1, ErrInvalid},
		{"seqs that overlap", "a2-b/1", "a b", 1, ErrInvalid},
		{"a clock that stands still", "a@7-b@7", "a b", 1, ErrInvalid},
		{"a floor that goes back", "a-b-c^2-d^1", "a b c d", 3, ErrInvalid},
		{"bad up to a broken law", "a-b!-c@1-d", "a b c d", 1, ErrInvalid},
		{"the anchor is near enough", "a-" + strings.TrimSuffix(long, "-p!"), "", 1, ErrSignature},
		{"the anchor is too far down", "a-" + long, "", 0, ErrSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := draw(t, 0, test.drawing)
			run := p.run(test.run)
			if test.run == "" {
				run = chainRun(t, strings.Split(test.drawing, "-"))
			}
			n, err := run.Verify(vectorLog)
			if n != test.want || !errors.Is(err, test.err) || (err == nil) != (n == len(run.Ops)) {
				t.Errorf("%d of %d authorised, %v; want %d, %v", n, len(run.Ops), err, test.want, test.err)
			}
		})
	}
}

// chainRun returns the run of one chain in which names may be the same.
func chainRun(t testing.TB, texts []string) (run Run) {
	t.Helper()
	p := picture{t: t, ops: make(map[string]Op)}
	var before Signed
	for _, text := range texts {
		op := p.make(lawKey(0), before, text)
		run.Ops, before = append(run.Ops, op), op.Signed
	}
	return run
}

func TestRunVerifyRefusesBodies(t *testing.T) {
	p := draw(t, 0, "a-b-c")
	run := p.run("a b c")
	b := bytes.Clone(run.Ops[1].Bytes())
	at := bytes.LastIndex(b, []byte("law"))
	b[at] = 'L'
	other, err := ParseOp(b)
	if err != nil {
		t.Fatal(err)
	}
	run.Ops[1] = other
	if n, err := run.Verify(vectorLog); n != 1 || !errors.Is(err, ErrBody) {
		t.Errorf("%d authorised, %v; want 1, ErrBody", n, err)
	}
}

func TestRunVerifyRefusesAuthors(t *testing.T) {
	p, q := draw(t, 0, "a-b"), draw(t, 1, "a-b")
	run := Run{Ops: []Op{p.op("a"), q.op("b")}}
	if n, err := run.Verify(vectorLog); n != 1 || !errors.Is(err, ErrRun) {
		t.Errorf("two authors: %d authorised, %v", n, err)
	}
	if n, err := p.run("a").Verify(LogID{9}); n != 0 || !errors.Is(err, ErrInvalid) {
		t.Errorf("another log: %d authorised, %v", n, err)
	}
	if n, err := (Run{}).Verify(vectorLog); n != 0 || !errors.Is(err, ErrRun) {
		t.Errorf("no ops: %d authorised, %v", n, err)
	}
}

func TestRunSizeAndAuthor(t *testing.T) {
	p := draw(t, 0, "a-b^1")
	run := p.run("[b] a b")
	if got, want := run.Size(), p.op("a").Size()+p.op("b").Size()+len(p.op("b").Signed.Bytes()); got != want {
		t.Errorf("size %d, want %d", got, want)
	}
	if run.Author() != p.op("a").Author || (Run{}).Author() != (Author{}) {
		t.Errorf("author %s", run.Author())
	}
}
