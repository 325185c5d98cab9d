package postings

import (
	"encoding/hex"
	"errors"
	"slices"
	"testing"
)

// TestGoldenBytes keeps a few texts, and the layers, as they were first written: files have them.
func TestGoldenBytes(t *testing.T) {
	incarnation := [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	b := (&Index{Incarnation: incarnation}).NewBatch()
	for _, offset := range []uint64{103, 1 << 20, 100} {
		b.Add(1, "door-7", offset)
		b.Add(2, "door.opened", offset)
		b.Add(1, "door-7", offset)
		b.Add(1, "", offset)
	}
	b.Add(2, "door.closed", 103)
	w := newBlockWriter(Layer{From: 100, To: 1<<20 + 5, sweep: 9})
	for _, p := range b.take() {
		w.add(p)
	}
	w.end(endOfLayer)
	block := w.blocks[0]
	first := Layer{level: 1, To: 100, Postings: 12, Bytes: 345, sweep: 2}
	for _, test := range []struct {
		what string
		got  []byte
		want string
	}{
		{"key", block.key, "00" + // level
			"0000000000000064" + // from
			"000000000000" + "0000000000000000"}, // the first block
		{"block", block.value, "e881bfeb" + // checksum
			"ffffffffffff" + "ffffffffffffffff" + // the last block
			"fde8a5ccd46e" + "00" + "06" + "b2fe7f" + // a term, with three offsets
			"fbb3b9fe9b40" + "03" +
			"a3cc889dc60a" + "00" + "06" + "b2fe7f"},
		{"layers", Layers{first, w.layer}.encode(incarnation), "bb903f9c" + // checksum
			"01" + "0102030405060708090a0b0c0d0e0f10" + // form, incarnation
			"01" + "0000000000000000" + "0000000000000064" + "000000000000000c" + "0000000000000159" + "0000000000000002" +
			"00" + "0000000000000064" + "0000000000100005" + "0000000000000007" + "0000000000000046" + "0000000000000009"},
	} {
		if got := hex.EncodeToString(test.got); got != test.want {
			t.Errorf("the %s is\n%s, want\n%s", test.what, got, test.want)
		}
	}
}

// TestLayersAreReadAgain reads layers as they were written, and refuses every other record.
func TestLayersAreReadAgain(t *testing.T) {
	incarnation := [16]byte{7}
	layers := Layers{{level: 2, To: 10, Postings: 1, Bytes: 2, sweep: 3}, {From: 10, To: 12, Postings: 4, Bytes: 5, sweep: 6}}
	record := layers.encode(incarnation)
	if got, err := decodeLayers(incarnation, record); err != nil || !slices.Equal(got, layers) {
		t.Errorf("%v, %v, want %v", got, err, layers)
	}
	if got, err := decodeLayers(incarnation, nil); err != nil || got != nil {
		t.Errorf("without a record: %v, %v", got, err)
	}
	for what, wrong := range map[string][]byte{
		"is empty":               {},
		"is cut":                 record[:len(record)-1],
		"is of another log":      layers.encode([16]byte{8}),
		"begins late":            layers[1:].encode(incarnation),
		"has an empty layer":     Layers{{}}.encode(incarnation),
		"has a level too high":   Layers{{level: levels, To: 1}}.encode(incarnation),
		"has a layer behind one": Layers{layers[0], layers[0]}.encode(incarnation),
	} {
		if got, err := decodeLayers(incarnation, wrong); !errors.Is(err, ErrDamaged) {
			t.Errorf("a record that %s: %v, %v", what, got, err)
		}
	}
	for i := range record {
		record[i] ^= 1
		if got, err := decodeLayers(incarnation, record); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d is another: %v, %v", i, got, err)
		}
		record[i] ^= 1
	}
}

// Layers of one level are merged once there are fan of them, unless the level is the last.
func TestWhichLayersAreDue(t *testing.T) {
	level := func(n int, level uint8) Layers { return slices.Repeat(Layers{{level: level}}, n) }
	for _, test := range []struct {
		layers Layers
		due    int
	}{
		{nil, 0},
		{level(fan-1, 0), 0},
		{level(fan, 0), fan},
		{slices.Concat(level(3, 1), level(fan, 0)), fan},
		{slices.Concat(level(fan, 1), level(1, 0)), 0},
		{level(fan, levels-2), fan},
		{level(fan, levels-1), 0},
	} {
		if got := test.layers.due(); len(got) != test.due {
			t.Errorf("%d of %v are due, want %d", len(got), test.layers, test.due)
		}
	}
}

// What was made after a sweep is not since it, nor what lies behind that.
func TestLayersSinceASweep(t *testing.T) {
	layers := Layers{{To: 1, sweep: 2}, {To: 2, sweep: 4}, {To: 3, sweep: 4}, {To: 4, sweep: 3}}
	for sweep, reached := range []uint64{0, 0, 1, 1, 4, 4} {
		if got := layers.Since(uint64(sweep)).Reached(); got != reached {
			t.Errorf("since sweep %d the layers reach %d, want %d", sweep, got, reached)
		}
	}
}
