package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/vectortest"
	"github.com/quipulog/quipu/gossip/wire"
)

// hexBytes are bytes that JSON shows in hex.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// frameVectors is what stands in docs/vectors/frames.json.
type frameVectors struct {
	About   string          `json:"about"`
	Frames  []frameVector   `json:"frames"`
	Refused []refusedVector `json:"refused"`
	Packed  []packedVector  `json:"packed"`
	// RefusedPacked are packed frames that are refused where both ends read packed frames.
	RefusedPacked []refusedVector `json:"refusedPacked"`
}

type (
	frameVector struct {
		About   string   `json:"about"`
		Kind    string   `json:"kind"`
		Number  uint8    `json:"number"`
		Message any      `json:"message"`
		Frame   hexBytes `json:"frame"`
	}
	refusedVector struct {
		About string   `json:"about"`
		By    string   `json:"by"` // "form", "version" or "end", where the stream ends within the frame
		Frame hexBytes `json:"frame"`
	}
	packedVector struct {
		About  string   `json:"about"`
		Packed hexBytes `json:"packed"`
		Frame  hexBytes `json:"frame"`
	}
)

// The forms in which the messages stand in the file.
type (
	wantForm struct {
		Ask    uint32      `json:"ask"`
		Author crdt.Author `json:"author"`
		Heads  []crdt.Head `json:"heads"`
		Back   []crdt.Key  `json:"back"`
	}
	probeForm struct {
		Path  string `json:"path"`
		Heads bool   `json:"heads"`
	}
	nodeForm struct {
		Path     string            `json:"path"`
		Count    uint32            `json:"count"`
		Children map[string]string `json:"children"`
	}
	feedForm struct {
		Author crdt.Author `json:"author"`
		Heads  []crdt.Head `json:"heads"`
	}
	spanForm struct {
		Ask      uint32      `json:"ask"`
		Author   crdt.Author `json:"author"`
		Head     crdt.Head   `json:"head"`
		From     uint64      `json:"from"`
		Upto     uint64      `json:"upto"`
		MaxBytes uint32      `json:"maxBytes"`
	}
	knownForm struct {
		Author crdt.Author `json:"author"`
		Ago    uint32      `json:"ago"`
		Name   string      `json:"name"`
	}
	haveForm struct {
		Author crdt.Author `json:"author"`
		Head   crdt.Head   `json:"head"`
		Hops   uint16      `json:"hops"`
	}
)

// formOf returns a message as it stands in the file.
func formOf(m wire.Message) any {
	type form = map[string]any
	switch m := m.(type) {
	case wire.Hello:
		return form{
			"version": m.Version, "features": m.Features, "instance": hexBytes(m.Instance[:]), "log": m.Log,
			"genesis": hexBytes(m.Genesis), "name": m.Name, "held": list(m.Held),
		}
	case wire.Shut:
		return form{"authors": list(m.Authors)}
	case wire.Offer:
		return form{"round": m.Round, "root": m.Root}
	case wire.Same:
		return form{"round": m.Round}
	case wire.Probe:
		probes := []probeForm{}
		for _, p := range m.Probes {
			probes = append(probes, probeForm{pathText(p.Path), p.Heads})
		}
		return form{"round": m.Round, "probes": probes}
	case wire.Nodes:
		nodes := []nodeForm{}
		for _, n := range m.Nodes {
			f := nodeForm{pathText(n.Path), n.Count, map[string]string{}}
			for i, c := range n.Children {
				if !c.IsZero() {
					f.Children[fmt.Sprintf("%x", i)] = c.String()
				}
			}
			nodes = append(nodes, f)
		}
		return form{"round": m.Round, "last": m.Last, "nodes": nodes}
	case wire.Vector:
		feeds := []feedForm{}
		for a, heads := range m.Heads.All() {
			feeds = append(feeds, feedForm{a, heads})
		}
		return form{"round": m.Round, "last": m.Last, "after": m.After, "upto": m.Upto, "feeds": feeds}
	case wire.Missing:
		return form{"wants": wantForms(m.Wants)}
	case wire.Graft:
		return form{"wants": wantForms(m.Wants)}
	case wire.Spans:
		spans := []spanForm{}
		for _, w := range m.Wants {
			spans = append(spans, spanForm{w.Ask, w.Author, w.Head, w.From, w.Upto, w.MaxBytes})
		}
		return form{"spans": spans}
	case wire.Ops:
		ops := []hexBytes{}
		for _, op := range m.Run.Ops {
			ops = append(ops, op.Bytes())
		}
		return form{"author": m.Author, "ask": m.Ask, "hops": m.Hops, "leave": hexBytes(m.Run.Leave.Bytes()), "ops": ops}
	case wire.Done:
		return form{"ask": m.Ask, "author": m.Author, "complete": m.Complete, "next": m.Next}
	case wire.IHave:
		haves := []haveForm{}
		for _, h := range m.Haves {
			haves = append(haves, haveForm{h.Author, h.Head, h.Hops})
		}
		return form{"haves": haves}
	case wire.Transient:
		return form{"hops": m.Hops, "event": hexBytes(m.Event.Bytes())}
	case wire.Conditions:
		numbers := []int{}
		for _, c := range m.List {
			numbers = append(numbers, int(c))
		}
		return form{"conditions": numbers}
	case wire.Time:
		return form{"round": m.Round, "millis": m.Millis}
	case wire.Who:
		return form{"round": m.Round}
	case wire.Members:
		members := []knownForm{}
		for _, k := range m.List {
			members = append(members, knownForm(k))
		}
		return form{"round": m.Round, "members": members}
	case wire.Keeps:
		return form{"bodies": m.Bodies, "forgotten": m.Forgotten, "age": fmt.Sprint(m.Age), "entries": fmt.Sprint(m.Entries)}
	case wire.Await:
		return form{"head": m.Head}
	case wire.Program:
		return form{"version": m.Version}
	case wire.Page:
		return form{"url": m.URL}
	case wire.Bye:
		return form{"code": m.Code, "text": m.Text}
	}
	return form{} // Detach
}

func wantForms(wants []wire.Want) []wantForm {
	forms := []wantForm{}
	for _, w := range wants {
		forms = append(forms, wantForm{w.Ask, w.Author, list(w.Locator.Heads), list(w.Locator.Back)})
	}
	return forms
}

// list returns s, or an empty list in the place of none.
func list[T any](s []T) []T { return append([]T{}, s...) }

func pathText(p crdt.Path) string { return strings.TrimSuffix(p.String(), "*") }

// makeVectors returns what the file should hold. What is packed comes from the file: a later compressor
// may find other bytes for it.
func makeVectors(t *testing.T, packed []packedVector) frameVectors {
	file := frameVectors{
		About: "Frames of quipu/sync/1: the message and the bytes. An author in them may be no usable key, and what they name need not fit together.",
	}
	valid := messages(t)
	for _, about := range slices.Sorted(maps.Keys(valid)) {
		frame := wire.Append(nil, valid[about])
		m, _, err := wire.ReadFrame(bytes.NewReader(frame), false)
		if err != nil {
			t.Fatalf("%s: %v", about, err)
		}
		file.Frames = append(file.Frames, frameVector{
			About: about, Kind: m.Kind().String(), Number: uint8(m.Kind()), Message: formOf(m), Frame: frame,
		})
	}
	bad := badMessages(t)
	for _, about := range slices.Sorted(maps.Keys(bad)) {
		frame := wire.Append(nil, bad[about])
		if len(frame) < 4<<10 { // The others break the bounds that the document gives in numbers.
			file.Refused = append(file.Refused, refusedVector{About: about, By: refusal(frame, false), Frame: frame})
		}
	}
	file.Refused = append(file.Refused, badFrames(t)...)
	for i := range file.Refused {
		file.Refused[i].By = refusal(file.Refused[i].Frame, false)
	}
	file.Packed = packed
	if vectortest.Updating() {
		frame := opsFrame(t, 2)
		file.Packed = []packedVector{{About: "a run", Frame: frame, Packed: slices.Clone((&wire.Packer{Always: true}).Pack(frame))}}
	}
	for _, p := range file.Packed {
		file.RefusedPacked = append(file.RefusedPacked, badPacked(p)...)
	}
	return file
}

// badFrames are frames that no message encodes to.
func badFrames(t *testing.T) []refusedVector {
	hello := wire.Append(nil, wire.Hello{Version: wire.Version})
	done := wire.Append(nil, wire.Done{Ask: 1, Author: self})
	node := wire.Append(nil, wire.Nodes{Nodes: []crdt.Node{{Children: [16]crdt.Print{{1}}}}})
	clear(node[len(node)-16:])
	odd := wire.Append(nil, wire.Probe{Probes: []crdt.Probe{{Path: path("b")}}})
	odd[len(odd)-2] |= 1
	neither := slices.Clone(done)
	neither[5+4+32] = 2
	return []refusedVector{
		{About: "kind 0", Frame: []byte{0, 0, 0, 0, 0}},
		{About: "kind 25", Frame: []byte{0, 0, 0, 0, 25}},
		{About: "a program without a length", Frame: []byte{0, 0, 0, 0, 24}},
		{About: "a program that is longer", Frame: []byte{0, 0, 0, 2, 24, 2, 'v'}},
		{About: "await of nothing", Frame: append([]byte{0, 0, 0, 40, 23}, make([]byte, 40)...)},
		{About: "keeps perhaps", Frame: append([]byte{0, 0, 0, 18, 22, 2}, make([]byte, 17)...)},
		{About: "kind 255", Frame: []byte{0, 0, 0, 0, 255}},
		{About: "a packed frame that was not agreed", Frame: []byte{0, 0, 0, 0, 16}},
		{About: "a frame of 4 GiB", Frame: []byte{0xff, 0xff, 0xff, 0xff, 10}},
		{About: "a detach with a body", Frame: []byte{0, 0, 0, 1, 14, 0}},
		{About: "a hello of version 2", Frame: append([]byte{0, 0, 0, 3, 1, 0, 2}, 9)},
		{About: "a hello that is cut off", Frame: append([]byte{0, 0, 0, byte(len(hello) - 6)}, hello[4:len(hello)-1]...)},
		{About: "a byte after the hello", Frame: append([]byte{0, 0, 0, byte(len(hello) - 4)}, append(hello[4:len(hello):len(hello)], 0)...)},
		{About: "a stream that ends within a frame", Frame: done[:len(done)-1]},
		{About: "complete is neither 0 nor 1", Frame: neither},
		{About: "a child that is there and has no print", Frame: node},
		{About: "a path whose unused nibble is not 0", Frame: odd},
		{About: "a path of 65 nibbles", Frame: slices.Concat([]byte{0, 0, 0, 41, 5, 0, 0, 0, 1, 0, 1, 65}, make([]byte, 34))},
	}
}

// badPacked returns packed frames made of p that are refused.
func badPacked(p packedVector) []refusedVector {
	changed := func(about string, change func(b []byte) []byte) refusedVector {
		b := change(slices.Clone(p.Packed))
		b[0], b[1], b[2], b[3] = byte((len(b)-5)>>24), byte((len(b)-5)>>16), byte((len(b)-5)>>8), byte(len(b)-5)
		return refusedVector{About: about, By: refusal(b, true), Frame: b}
	}
	return []refusedVector{
		changed("a packed frame in a packed frame", func(b []byte) []byte { b[5] = 16; return b }),
		changed("more than the inner kind's bound", func(b []byte) []byte { b[5] = 15; return b }),
		changed("an inner length that is not the zstd frame's", func(b []byte) []byte { b[9]--; return b }),
		changed("no zstd frame", func(b []byte) []byte { b[10] ^= 1; return b }),
		changed("a zstd frame that is cut off", func(b []byte) []byte { return b[:len(b)-1] }),
		changed("bytes after the zstd frame", func(b []byte) []byte { return append(b, 0) }),
		changed("nothing", func(b []byte) []byte { return b[:5] }),
	}
}

// refusal returns by which rule a frame is refused, "" if it is not.
func refusal(frame []byte, packed bool) string {
	_, _, err := wire.ReadFrame(bytes.NewReader(frame), packed)
	if _, other := errors.AsType[*wire.VersionError](err); other {
		return "version"
	}
	switch {
	case err == nil:
		return ""
	case errors.Is(err, wire.ErrMalformed):
		return "form"
	}
	return "end"
}

// TestVectorsFrames holds the messages against docs/vectors/frames.json: the bytes of the protocol, which can
// only change together with its version.
func TestVectorsFrames(t *testing.T) {
	var old frameVectors
	vectortest.Read(t, "frames.json", &old)
	file := makeVectors(t, old.Packed)
	vectortest.Check(t, "frames.json", file)
	for _, r := range slices.Concat(file.Refused, file.RefusedPacked) {
		if r.By == "" {
			t.Errorf("%s: not refused", r.About)
		}
	}
	for _, p := range file.Packed {
		m, size, err := wire.ReadFrame(bytes.NewReader(p.Packed), true)
		if err != nil || !bytes.Equal(wire.Append(nil, m), p.Frame) || size.Wire != len(p.Packed) {
			t.Errorf("%s: unpacked to %v, %v", p.About, size, err)
		}
	}
}
