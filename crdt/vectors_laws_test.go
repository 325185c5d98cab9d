package crdt

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// opsOf returns the bytes of the drawn ops by name.
func (p picture) opsOf() map[string]hexBytes {
	ops := make(map[string]hexBytes)
	for name, op := range p.ops {
		ops[name] = op.Bytes()
	}
	return ops
}

// drawingLines returns a drawing as lines without what is left of it.
func drawingLines(drawing string) []string {
	var out []string
	for line := range strings.Lines(drawing) {
		if line = strings.TrimLeft(strings.TrimRight(line, "\n\t "), "\t"); line != "" {
			out = append(out, line)
		}
	}
	return out
}

const aboutDrawings = "A drawing names the ops of one author: each line is a chain, and a backslash stands under the op that the chain parts from. "

type (
	storyVector struct {
		Name    string              `json:"name"`
		Drawing []string            `json:"drawing"`
		Ops     map[string]hexBytes `json:"ops"`
		Steps   []stepVector        `json:"steps"`
	}
	stepVector struct {
		Leave    string   `json:"leave,omitempty"`
		Run      []string `json:"run"`
		Outcome  string   `json:"outcome"`
		Heads    []Head   `json:"heads"`
		Disputed *uint64  `json:"disputed"` // from which seq on; null if nothing is
		Root     Hash     `json:"root"`     // of the digest of all that is held
	}
)

// TestVectorsLaws writes the stories of TestApply with the bytes of their ops.
func TestVectorsLaws(t *testing.T) {
	var file struct {
		About   string        `json:"about"`
		Log     LogID         `json:"log"`
		Stories []storyVector `json:"stories"`
	}
	file.About = aboutDrawings + "Runs are offered one after the other to somebody who holds nothing at first and keeps what is pending."
	file.Log = vectorLog
	for _, story := range stories {
		p := draw(t, 0, story.drawing)
		set := NewSet(vectorLog)
		v := storyVector{Name: story.name, Drawing: drawingLines(story.drawing), Ops: p.opsOf()}
		for _, step := range story.steps {
			names, rest, _ := strings.Cut(step, ":")
			outcome, _, _ := strings.Cut(rest, "|")
			run := p.run(names)
			out := apply(t, set, run)
			f, _ := set.Feed(out.Author)
			s := stepVector{Run: strings.Fields(names), Outcome: strings.TrimSpace(outcome), Heads: f.Heads(), Root: set.Digest().Root()}
			if leave, found := strings.CutPrefix(s.Run[0], "["); found {
				s.Leave, s.Run = strings.TrimSuffix(leave, "]"), s.Run[1:]
			}
			if from, forked := f.Disputed(); forked {
				s.Disputed = &from
			}
			v.Steps = append(v.Steps, s)
		}
		file.Stories = append(file.Stories, v)
	}
	checkVectors(t, "laws.json", file)
}

type exchangeVector struct {
	Name    string              `json:"name"`
	Drawing []string            `json:"drawing"`
	Ops     map[string]hexBytes `json:"ops"`
	Mine    [][]string          `json:"mine"`   // runs that the asker holds; [a] is a leave
	Theirs  [][]string          `json:"theirs"` // runs that the other holds
	Heads   []Head              `json:"heads"`  // of the other
	Wanted  bool                `json:"wanted"`
	Locator *locatorVector      `json:"locator,omitempty"`
	Sent    [][]string          `json:"sent"` // the answer, a segment each
}

type locatorVector struct {
	Heads []Head `json:"heads"`
	Back  []Key  `json:"back"`
}

// TestVectorsExchange writes the drawings of TestExchange with the bytes of their ops and the locators.
func TestVectorsExchange(t *testing.T) {
	var file struct {
		About     string           `json:"about"`
		Log       LogID            `json:"log"`
		Exchanges []exchangeVector `json:"exchanges"`
	}
	file.About = aboutDrawings + "Whoever holds mine asks whoever holds theirs, with the locator; the answer is what they lack, each segment after those that it hangs from."
	file.Log = vectorLog
	for _, test := range exchanges {
		p := draw(t, 0, test.drawing)
		mine, theirs := NewSet(vectorLog), NewSet(vectorLog)
		v := exchangeVector{Name: test.name, Drawing: drawingLines(test.drawing), Ops: p.opsOf(), Mine: [][]string{}, Theirs: [][]string{}, Sent: [][]string{}}
		for _, names := range test.mine {
			apply(t, mine, p.run(names))
			v.Mine = append(v.Mine, strings.Fields(names))
		}
		for _, names := range test.theirs {
			apply(t, theirs, p.run(names))
			v.Theirs = append(v.Theirs, strings.Fields(names))
		}
		author := p.op("a").Author
		v.Heads = theirs.Frontier()[author]
		wants, err := Wants(mine, theirs.Frontier(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			v.Wanted = true
			v.Locator = &locatorVector{Heads: append([]Head{}, want.Locator.Heads...), Back: append([]Key{}, want.Locator.Back...)}
			segments, err := Plan(theirs, want)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range p.segments(t, theirs, segments, MaxBatch) {
				v.Sent = append(v.Sent, strings.Fields(s))
			}
		}
		file.Exchanges = append(file.Exchanges, v)
	}
	checkVectors(t, "exchange.json", file)
}

type (
	frontierVector struct {
		Name     string       `json:"name"`
		Frontier []feedVector `json:"frontier"`
		Root     Hash         `json:"root"`
		Nodes    []nodeVector `json:"nodes"` // all with children, from the top down
	}
	feedVector struct {
		Author Author `json:"author"`
		Heads  []Head `json:"heads"`
		Leaf   Hash   `json:"leaf"`
	}
	nodeVector struct {
		Path     string            `json:"path"` // nibbles
		Count    uint32            `json:"count"`
		Hash     Hash              `json:"hash"`
		Children map[string]string `json:"children"` // nibble → print
	}
	descentVector struct {
		Name     string       `json:"name"`
		Asker    string       `json:"asker"`    // a frontier above
		Answerer string       `json:"answerer"` // a frontier above
		Steps    []descentRow `json:"steps"`
	}
	descentRow struct {
		Probes []probeVector `json:"probes"`
		Nodes  []nodeVector  `json:"nodes"` // answers; without hash, which is not sent
		Heads  []string      `json:"heads"` // paths whose authors' heads are sent
	}
	probeVector struct {
		Path  string `json:"path"`
		Heads bool   `json:"heads"`
	}
)

// nibbles returns a path as hex digits.
func (p Path) nibblesText() string { return strings.TrimSuffix(p.String(), "*") }

func nodeVectorOf(n Node) nodeVector {
	v := nodeVector{Path: n.Path.nibblesText(), Count: n.Count, Children: make(map[string]string)}
	for i, c := range n.Children {
		if !c.IsZero() {
			v.Children[fmt.Sprintf("%x", i)] = c.String()
		}
	}
	return v
}

// allNodes returns what stands at the path and below and has children.
func allNodes(n *digestNode, p Path) []nodeVector {
	if n == nil || n.children == nil {
		return nil
	}
	v := nodeVectorOf(Node{Path: p, Count: n.count, Children: n.prints(p)})
	v.Hash = n.hash
	nodes := []nodeVector{v}
	for i, child := range n.children {
		nodes = append(nodes, allNodes(child, p.Child(i))...)
	}
	return nodes
}

// digestFrontiers are frontiers whose digests have every shape that there is.
func digestFrontiers() (names []string, frontiers map[string]Frontier) {
	frontiers = make(map[string]Frontier)
	add := func(name string, f Frontier) {
		names = append(names, name)
		frontiers[name] = f
	}
	head := func(next uint64, id byte) Head { return Head{Next: next, ID: OpID{id, 31: 1}} }
	add("nothing", Frontier{})
	add("one author", Frontier{{0xab}: {head(3, 1)}})
	add("two that part at the first nibble", Frontier{{0x10}: {head(1, 1)}, {0xf0}: {head(MaxSeq-1, 2)}})
	add("two that part at the fourth nibble", Frontier{{0x12, 0x30}: {head(1, 1)}, {0x12, 0x34}: {head(2, 2)}})
	add("two that part at the last nibble", Frontier{{0x12, 31: 0x50}: {head(1, 1)}, {0x12, 31: 0x51}: {head(2, 2)}})
	add("a fork", Frontier{{0x10}: {head(4, 1), head(4, 2), head(9, 3)}, {0x11}: {head(1, 1)}})
	authors, heads := manyAuthors(120)
	many := make(Frontier)
	for i, a := range authors {
		many[a] = heads[i : i+1]
	}
	add("120 authors", many)
	other := many.Clone()
	other[authors[7]] = []Head{head(77, 7)}
	delete(other, authors[8])
	other[Author{0x77, 0x77}] = []Head{head(1, 9)}
	add("120 authors, one ahead, one gone, one more", other)
	for _, n := range []int{36, 66} {
		older, newer := make(Frontier), make(Frontier)
		for i, a := range authors[:n] {
			older[a], newer[a] = heads[i:i+1], []Head{head(99, byte(i))}
		}
		add(fmt.Sprintf("%d authors", n), older)
		add(fmt.Sprintf("%d authors, all further", n), newer)
	}
	return names, frontiers
}

func TestVectorsDigest(t *testing.T) {
	var file struct {
		About     string           `json:"about"`
		Frontiers []frontierVector `json:"frontiers"`
		Descents  []descentVector  `json:"descents"`
	}
	file.About = "Frontiers and their digests. A print is the first half of a child's hash. In a descent the first step is what answers an offer: the node at the top."
	names, frontiers := digestFrontiers()
	for _, name := range names {
		f := frontiers[name]
		d := DigestOf(f)
		v := frontierVector{Name: name, Frontier: []feedVector{}, Root: d.Root(), Nodes: append([]nodeVector{}, allNodes(d.top, Path{})...)}
		if naive := naiveRoot(f, slices.SortedFunc(maps.Keys(f), Author.Compare), 0); naive != v.Root {
			t.Errorf("%s: root %s, by the definition %s", name, v.Root, naive)
		}
		for a, heads := range f.All() {
			v.Frontier = append(v.Frontier, feedVector{Author: a, Heads: heads, Leaf: newLeaf(a, heads).hash})
		}
		file.Frontiers = append(file.Frontiers, v)
	}
	many, other := "120 authors", "120 authors, one ahead, one gone, one more"
	for _, pair := range [][2]string{
		{many, other}, {other, many}, {"nothing", many}, {"one author", many},
		{"36 authors", "36 authors, all further"}, // most children differ, of few authors: all heads at once
		{"66 authors", "66 authors, all further"}, // of too many for that
	} {
		file.Descents = append(file.Descents, descentVector{
			Name: fmt.Sprintf("%s asks %s", pair[0], pair[1]), Asker: pair[0], Answerer: pair[1],
			Steps: descentRows(DigestOf(frontiers[pair[0]]), DigestOf(frontiers[pair[1]])),
		})
	}
	checkVectors(t, "digest.json", file)
}

// descentRows returns the steps of a comparison.
func descentRows(asker, answerer Digest) []descentRow {
	var rows []descentRow
	for probes := []Probe{{}}; len(probes) > 0; {
		row := descentRow{Nodes: []nodeVector{}, Heads: []string{}}
		var next []Probe
		for _, p := range probes {
			row.Probes = append(row.Probes, probeVector{p.Path.nibblesText(), p.Heads})
			n, heads := answerer.Answer(p)
			if heads {
				row.Heads = append(row.Heads, p.Path.nibblesText())
				continue
			}
			row.Nodes = append(row.Nodes, nodeVectorOf(n))
			next = append(next, asker.compare(n)...)
		}
		rows, probes = append(rows, row), next
	}
	return rows
}

type (
	forkVector struct {
		About string     `json:"about"`
		Log   LogID      `json:"log"`
		A     []hexBytes `json:"a"`
		B     []hexBytes `json:"b"`
		Holds bool       `json:"holds"`
	}
	proofVector struct {
		About string          `json:"about"`
		Proof json.RawMessage `json:"proof"`
		Holds bool            `json:"holds"`
	}
)

func TestVectorsProofs(t *testing.T) {
	var file struct {
		About   string        `json:"about"`
		Forks   []forkVector  `json:"forks"`
		Entries []proofVector `json:"entries"`
	}
	file.About = "Fork proofs, whose sides are headers with their signatures, and entry proofs in their JSON form."
	p, _ := forkedSet(t)
	for _, v := range []struct {
		about, a, b string
		log         LogID
	}{
		{"a fork, each side up to its anchor", "x y z", "c d", vectorLog},
		{"an anchor and more", "x y z", "c d e", vectorLog},
		{"in another log", "x y z", "c d", LogID{1}},
		{"a side without an anchor", "x y", "c d", vectorLog},
		{"a side with a hole", "x z", "c d", vectorLog},
		{"the same side twice", "c d", "c d", vectorLog},
		{"sides that do not part from one op", "y z", "c d", vectorLog},
	} {
		proof := ForkProof{A: p.signed(v.a), B: p.signed(v.b)}
		file.Forks = append(file.Forks, forkVector{
			About: v.about, Log: v.log, A: headersOf(proof.A), B: headersOf(proof.B), Holds: proof.Verify(v.log) == nil,
		})
	}
	for about, change := range map[string]func(p *EntryProof){
		"1: an entry of a covered op, with the headers up to the anchor": func(*EntryProof) {},
		"2: in another log":       func(p *EntryProof) { p.Log[0] ^= 1 },
		"3: another entry":        func(p *EntryProof) { p.Entry[len(p.Entry)-1] ^= 1 },
		"4: a path that is cut":   func(p *EntryProof) { p.Path = p.Path[1:] },
		"5: a path that goes on":  func(p *EntryProof) { p.Path = append(p.Path, Hash{}) },
		"6: no anchor":            func(p *EntryProof) { p.Headers = p.Headers[:3] },
		"7: a header left out":    func(p *EntryProof) { p.Headers = append(p.Headers[:1:1], p.Headers[2:]...) },
		"8: an index past the op": func(p *EntryProof) { p.Index = 5 },
	} {
		proof := sampleProof(t)
		proof.Entry = slices.Clone(proof.Entry)
		change(&proof)
		text, err := json.Marshal(proof)
		if err != nil {
			t.Fatal(err)
		}
		var back EntryProof
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		_, err = back.Verify()
		if err != nil && !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", about, err)
		}
		file.Entries = append(file.Entries, proofVector{About: about, Proof: text, Holds: err == nil})
	}
	slices.SortFunc(file.Entries, func(a, b proofVector) int { return strings.Compare(a.About, b.About) })
	if !file.Forks[0].Holds || !file.Entries[0].Holds {
		t.Error("the proofs that should hold do not")
	}
	checkVectors(t, "proofs.json", file)
}

// signed returns the headers of the named ops.
func (p picture) signed(names string) (headers []Signed) {
	for _, op := range p.run(names).Ops {
		headers = append(headers, op.Signed)
	}
	return headers
}

func headersOf(side []Signed) (headers []hexBytes) {
	for _, h := range side {
		headers = append(headers, h.Bytes())
	}
	return headers
}
