package crdt

import (
	"bytes"
	"crypto/ed25519"
	"math"
	"slices"
	"strings"
	"testing"
)

// forger makes ops that break one rule and keep the others: the root is over the entries as they are,
// and the signature over the header as it is.
type forger struct {
	header  wireHeader
	entries [][]byte
	rewrite func(header []byte) []byte // of the encoded header; nil leaves it
	context string
}

func newForger() forger {
	author := AuthorOf(rfcKey(0))
	entry := wireEntry{Time: 1, Kind: "a", Headers: []EventHeader{}, Payload: []byte{}}
	return forger{
		header: wireHeader{
			Version: Version, Log: vectorLog[:], Author: author[:], First: 7, Count: 1, Prev: bytes.Repeat([]byte{9}, 32), Clock: 5,
		},
		entries: [][]byte{encode(&entry)},
		context: opContext,
	}
}

func (f forger) op() []byte {
	leaves := []Hash{{}}
	if len(f.entries) > 0 {
		leaves = leaves[:0]
	}
	for _, e := range f.entries {
		leaves = append(leaves, leafHash(e))
	}
	if root := merkleRoot(leaves); f.header.Root == nil {
		f.header.Root = root[:]
	}
	header := encode(&f.header)
	if f.rewrite != nil {
		header = f.rewrite(header)
	}
	op := slices.Concat(header, signWith(rfcKey(0), f.context, header))
	return append(op, bytes.Join(f.entries, nil)...)
}

// badHeaders are headers that are not of the form.
func badHeaders() map[string]func(f *forger) {
	replace := func(from, to []byte) func(f *forger) {
		return func(f *forger) {
			f.rewrite = func(h []byte) []byte { return bytes.Replace(h, from, to, 1) }
		}
	}
	log := append([]byte{0xc4, 16}, vectorLog[:]...)
	return map[string]func(f *forger){
		"header: version is 2^32":                  func(f *forger) { f.header.Version = math.MaxUint32 + 1 },
		"header: count is 0":                       func(f *forger) { f.header.Count, f.entries = 0, nil },
		"header: count is 4,097":                   func(f *forger) { f.header.Count = MaxOpEntries + 1 },
		"header: first + count is 2^53":            func(f *forger) { f.header.First = MaxSeq - 1 },
		"header: first is 0 and prev is not zeros": func(f *forger) { f.header.First = 0 },
		"header: first is 7 and prev is zeros":     func(f *forger) { f.header.Prev = make([]byte, 32) },
		"header: clock is 2^63":                    func(f *forger) { f.header.Clock = MaxClock },
		"header: retention is 2":                   func(f *forger) { f.header.Retention = 2 },
		"header: floor is above first":             func(f *forger) { f.header.Floor = 8 },
		"header: log of 15 bytes":                  func(f *forger) { f.header.Log = vectorLog[:15] },
		"header: author of 31 bytes":               func(f *forger) { f.header.Author = f.header.Author[:31] },
		"header: prev of 33 bytes":                 func(f *forger) { f.header.Prev = make([]byte, 33) },
		"header: root of 31 bytes":                 func(f *forger) { f.header.Root = make([]byte, 31) },
		"header: log as text":                      replace(log[:2], []byte{0xb0}),
		"header: log with a 16-bit length":         replace(log[:2], []byte{0xc5, 0, 16}),
		"header: log is nil":                       replace(log, []byte{0xc0}),
		"header: an array with a 16-bit length":    replace([]byte{0x9a}, []byte{0xdc, 0, 10}),
		"header: nine elements":                    func(f *forger) { f.rewrite = func(h []byte) []byte { return append([]byte{0x99}, h[1:len(h)-1]...) } },
		"header: eleven elements": func(f *forger) {
			f.rewrite = func(h []byte) []byte { return append(append([]byte{0x9b}, h[1:]...), 0) }
		},
		"header: floor in two bytes": func(f *forger) { f.rewrite = func(h []byte) []byte { return append(h[:len(h)-1:len(h)-1], 0xcc, 0) } },
		"header: floor with a sign":  func(f *forger) { f.rewrite = func(h []byte) []byte { return append(h[:len(h)-1:len(h)-1], 0xd0, 0) } },
		"header: floor as a float": func(f *forger) {
			f.rewrite = func(h []byte) []byte { return append(h[:len(h)-1:len(h)-1], 0xca, 0, 0, 0, 0) }
		},
		"header: floor is -1": func(f *forger) { f.rewrite = func(h []byte) []byte { return append(h[:len(h)-1:len(h)-1], 0xff) } },
	}
}

// badEntries are entries that are not of the form.
func badEntries() map[string]func(f *forger) {
	entry := func(change func(e *wireEntry)) func(f *forger) {
		return func(f *forger) {
			e := wireEntry{Time: 1, Kind: "a", Headers: []EventHeader{}, Payload: []byte{}}
			change(&e)
			f.entries = [][]byte{encode(&e)}
		}
	}
	raw := func(b ...byte) func(f *forger) {
		return func(f *forger) { f.entries = [][]byte{b} }
	}
	headers := func(h ...EventHeader) func(f *forger) { return entry(func(e *wireEntry) { e.Headers = h }) }
	return map[string]func(f *forger){
		"entry: kind is empty":                     entry(func(e *wireEntry) { e.Kind = "" }),
		"entry: kind of 256 bytes":                 entry(func(e *wireEntry) { e.Kind = strings.Repeat("k", 256) }),
		"entry: kind is not UTF-8":                 entry(func(e *wireEntry) { e.Kind = "\xff" }),
		"entry: module of 256 bytes":               entry(func(e *wireEntry) { e.Module = strings.Repeat("m", 256) }),
		"entry: subject of 1,025 bytes":            entry(func(e *wireEntry) { e.Subject = strings.Repeat("s", 1025) }),
		"entry: content type of 256 bytes":         entry(func(e *wireEntry) { e.ContentType = strings.Repeat("c", 256) }),
		"entry: header without a name":             headers(EventHeader{"", "v"}),
		"entry: header twice":                      headers(EventHeader{"a", ""}, EventHeader{"a", ""}),
		"entry: headers not ascending":             headers(EventHeader{"b", ""}, EventHeader{"a", ""}),
		"entry: headers of 4,097 bytes":            headers(EventHeader{"a", strings.Repeat("v", 4096)}),
		"entry: header of one text":                raw(0x97, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x91, 0x91, 0xa1, 'a', 0xc4, 0),
		"entry: headers as a map":                  raw(0x97, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x80, 0xc4, 0),
		"entry: headers are nil":                   raw(0x97, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0xc0, 0xc4, 0),
		"entry: payload is nil":                    raw(0x97, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xc0),
		"entry: payload as text":                   raw(0x97, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xa0),
		"entry: payload with a 16-bit length":      raw(0x97, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xc5, 0, 0),
		"entry: kind with an 8-bit length":         raw(0x97, 1, 0xd9, 1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xc4, 0),
		"entry: kind as bytes":                     raw(0x97, 1, 0xc4, 1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xc4, 0),
		"entry: time as a timestamp extension":     raw(0x97, 0xd6, 0xff, 0, 0, 0, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xc4, 0),
		"entry: positive time with a sign":         raw(0x97, 0xd0, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xc4, 0),
		"entry: negative time not in its shortest": raw(0x97, 0xd0, 0xff, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xc4, 0),
		"entry: time is 2^63":                      raw(0x97, 0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xc4, 0),
		"entry: six elements":                      raw(0x96, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x90),
		"entry: eight elements":                    raw(0x98, 1, 0xa1, 'a', 0xa0, 0xa0, 0xa0, 0x90, 0xc4, 0, 0xc0),
		"entry: a reserved kind that is trimmable": func(f *forger) {
			entry(func(e *wireEntry) { e.Kind = "quipu.x" })(f)
			f.header.Retention = 1
		},
		"body: an entry too many":        func(f *forger) { f.entries = append(f.entries, f.entries[0]) },
		"body: an entry too few":         func(f *forger) { f.header.Count = 2 },
		"body: a byte after the last":    func(f *forger) { f.entries = [][]byte{append(slices.Clone(f.entries[0]), 0)} },
		"body: missing, and not allowed": func(f *forger) { f.entries = nil },
	}
}

// badOps are ops whose form is right.
func badOps() map[string]func(f *forger) {
	return map[string]func(f *forger){
		"an op of version 2": func(f *forger) { f.header.Version = 2 },
		"an op of version 2 with more fields": func(f *forger) {
			f.header.Version = 2
			f.rewrite = func(h []byte) []byte { return append(append([]byte{0x9b}, h[1:]...), 0xc0) }
		},
		"an op of version 0":                      func(f *forger) { f.header.Version = 0 },
		"an op of the greatest version":           func(f *forger) { f.header.Version = math.MaxUint32 },
		"an author of small order":                func(f *forger) { f.header.Author = unhex(smallOrder[0]) },
		"an author that is no canonical encoding": func(f *forger) { f.header.Author = unhex(smallOrder[9]) },
		"a root that is not that of the entries":  func(f *forger) { f.header.Root = make([]byte, 32) },
		"signed under no context":                 func(f *forger) { f.context = "" },
		"signed as a transient":                   func(f *forger) { f.context = "quipu/transient/v1\x00" },
		"signed by somebody else": func(f *forger) {
			other := AuthorOf(rfcKey(1))
			f.header.Author = other[:]
		},
		"an op of another log": func(f *forger) { f.header.Log = make([]byte, 16) },
	}
}

func TestVectorsRefused(t *testing.T) {
	var file struct {
		About string          `json:"about"`
		Log   LogID           `json:"log"`
		Valid hexBytes        `json:"valid"`
		Ops   []refusedVector `json:"refused"`
	}
	file.About = "Ops that are refused, each by one rule alone: its root and its signature are made anew for what is wrong with it. The valid op is what they were made from."
	file.Log, file.Valid = vectorLog, newForger().op()
	if err := admitted(file.Valid); err != nil {
		t.Fatal(err)
	}
	for _, group := range []map[string]func(f *forger){badHeaders(), badEntries(), badOps()} {
		var some []refusedVector
		for about, change := range group {
			f := newForger()
			change(&f)
			some = append(some, refusedVector{About: about, Bytes: f.op()})
		}
		slices.SortFunc(some, func(a, b refusedVector) int { return strings.Compare(a.About, b.About) })
		file.Ops = append(file.Ops, some...)
	}
	file.Ops = append(file.Ops, refusedVector{About: "a signature with the other scalar, S + L", Bytes: otherScalar(file.Valid)})
	for i := range file.Ops {
		r := &file.Ops[i]
		err := admitted(r.Bytes)
		if r.By = refusal(err); err == nil {
			t.Errorf("%s: not refused", r.About)
		}
	}
	checkVectors(t, "refused.json", file)
}

// admitted checks an op of vectorLog as far as that can be done with nothing else at hand.
func admitted(b []byte) error {
	op, err := ParseOp(b)
	if err != nil {
		return err
	}
	_, err = (Run{Ops: []Op{op}}).Verify(vectorLog)
	return err
}

// otherScalar returns op with S + L in the place of S.
func otherScalar(op []byte) []byte {
	op = slices.Clone(op)
	signed, _, err := CutSigned(op)
	if err != nil {
		panic(err)
	}
	end := len(signed.raw)
	addOrder(op[end-ed25519.SignatureSize/2 : end])
	return op
}
