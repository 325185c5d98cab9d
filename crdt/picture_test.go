package crdt

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A picture is a drawing of one author's ops. Each line is a chain; a backslash stands under the op
// that the chain parts from (under its first letter, or one to the right):
//
//	a-b-c-d
//	  \-x-y
//
// An op is a name and what is special about it:
//
//	a3     it holds three entries instead of one
//	a!     its signature is bad
//	a^4    it signs the floor 4; later ops of its chain keep it
//	a@9    its clock is 9; else it is one more than that of the op before
//	a/7    it begins at seq 7, whatever it names
//	?7-a   it names an unknown op that ends at seq 7
type picture struct {
	t   tb
	ops map[string]Op
}

// tb is what a [testing.TB] and a [rapid.T] have in common.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
}

var drawnOp = regexp.MustCompile(`^([a-z]+)(\d*)(!?)(?:\^(\d+))?(?:@(\d+))?(?:/(\d+))?$`)

// draw makes the ops of a drawing by the test author number i.
func draw(t tb, i int, drawing string) picture {
	t.Helper()
	p := picture{t: t, ops: make(map[string]Op)}
	above := make(map[int]string) // column → the name drawn there last
	for line := range strings.Lines(drawing) {
		line = strings.TrimLeft(strings.TrimRight(line, "\n\t "), "\t")
		column := len(line) - len(strings.TrimLeft(line, " "))
		var before Signed
		for text := range strings.SplitSeq(line[column:], "-") {
			switch {
			case text == "":
			case text == `\`:
				parent, found := above[column]
				if !found {
					parent = above[column-1]
				}
				before = p.op(parent).Signed
			case strings.HasPrefix(text, "?"):
				before.Count, before.ID = p.number(text[1:], 0), sha256.Sum256([]byte(text))
			default:
				op := p.make(lawKey(i), before, text)
				above[column], before = drawnOp.FindStringSubmatch(text)[1], op.Signed
			}
			column += len(text) + 1
		}
	}
	return p
}

// make makes the op that text says, after before.
func (p picture) make(key ed25519.PrivateKey, before Signed, text string) Op {
	p.t.Helper()
	m := drawnOp.FindStringSubmatch(text)
	if m == nil {
		p.t.Fatalf("drawing: %q is no op", text)
	}
	h := Header{
		First: p.number(m[6], before.Next()), Count: p.number(m[2], 1), Prev: before.ID,
		Floor: p.number(m[4], before.Floor), Clock: Clock(p.number(m[5], uint64(before.Clock)+1)),
	}
	op := lawOp(p.t, key, h, m[1], m[3] != "")
	p.ops[m[1]] = op
	return op
}

func (p picture) number(text string, otherwise uint64) uint64 {
	p.t.Helper()
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		p.t.Fatalf("drawing: %v", err)
	}
	return n
}

// op returns the op called name.
func (p picture) op(name string) Op {
	p.t.Helper()
	op, drawn := p.ops[name]
	if !drawn {
		p.t.Fatalf("drawing: no op %q", name)
	}
	return op
}

// run returns the run of the named ops: "a b c". A first name in brackets, "[d] b c", is the op whose
// header is sent as the leave.
func (p picture) run(names string) Run {
	p.t.Helper()
	var run Run
	for name := range strings.FieldsSeq(names) {
		if leave, found := strings.CutPrefix(name, "["); found {
			run.Leave = p.op(strings.TrimSuffix(leave, "]")).Signed
		} else {
			run.Ops = append(run.Ops, p.op(name))
		}
	}
	return run
}

// heads returns the names of the ops that heads name, in their order; "-" stands for one that was not drawn.
func (p picture) heads(heads []Head) string {
	names := make([]string, len(heads))
	for i, h := range heads {
		names[i] = "-"
		for name, op := range p.ops {
			if op.Head() == h {
				names[i] = name
			}
		}
	}
	slices.Sort(names) // ops of one height are sorted by id, which a drawing does not show
	return strings.Join(names, " ")
}

// lawKey returns the private key of the test author number i.
func lawKey(i int) ed25519.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "author %d", i))
	return ed25519.NewKeyFromSeed(seed[:])
}

// lawOp makes an op of vectorLog with h.Count entries whose subject is name. Its signature is bad if
// so asked; what names it covers it all the same.
func lawOp(t tb, key ed25519.PrivateKey, h Header, name string, bad bool) Op {
	t.Helper()
	h.Log = vectorLog
	events := make([]Event, h.Count)
	for i := range events {
		events[i] = Event{Kind: "law", Subject: name}
	}
	op, err := NewOp(key, h, vectorTime, events...)
	if err == nil && bad {
		b := bytes.Clone(op.Bytes())
		b[len(op.raw)-1] ^= 1
		op, err = ParseOp(b)
	}
	if err != nil {
		t.Fatalf("make op %q: %v", name, err)
	}
	return op
}
