package bundle_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/gossip/vectortest"
)

// bundleVector is a bundle and what is in it.
type bundleVector struct {
	About   string     `json:"about"`
	Bundle  string     `json:"bundle"`
	Log     crdt.LogID `json:"log"`
	Genesis string     `json:"genesis"`
	Author  string     `json:"author"`
	Made    int64      `json:"made"`  // ms since 1970
	Since   string     `json:"since"` // the root of that frontier's digest
	Upto    string     `json:"upto"`
	Ops     uint64     `json:"ops"`
	Entries uint64     `json:"entries"`
	Whole   bool       `json:"whole"`
	Places  []string   `json:"places"` // what a log holds that had nothing, once the bundle is applied
}

// TestVectorsBundle reads the bundles of docs/vectors/bundle.json. They are not compared with what is
// written now: a later compressor may find other bytes for the same.
func TestVectorsBundle(t *testing.T) {
	var file struct {
		About   string         `json:"about"`
		Bundles []bundleVector `json:"bundles"`
	}
	vectortest.Read(t, "bundle.json", &file)
	if vectortest.Updating() {
		file.About = "Bundles in hex, and what becomes of them in an empty log."
		file.Bundles = bundlesToShow(t)
	}
	for i, v := range file.Bundles {
		file.Bundles[i] = shown(t, v.About, v.Bundle)
	}
	vectortest.Check(t, "bundle.json", file)
}

// bundlesToShow makes the bundles of the file.
func bundlesToShow(t *testing.T) []bundleVector {
	small := newMemLog()
	small.give(t, crdt.Run{Ops: chain{}.grow(t, 0, 2, "a")})
	since := small.Frontier()
	before, _ := create(t, small, nil)
	small.give(t, crdt.Run{Ops: chain{}.grow(t, 0, 3, "a")[2:]})
	after, _ := create(t, small, since)
	forked, _ := create(t, full(t), nil)
	damaged := bytes.Clone(forked)
	damaged[len(damaged)-40] ^= 1
	return []bundleVector{
		{About: "one author", Bundle: hex.EncodeToString(before)},
		{About: "what came since, which cannot be placed without the one before", Bundle: hex.EncodeToString(after)},
		{About: "four authors, one of whom forked; packed", Bundle: hex.EncodeToString(forked)},
		{About: "the same, with a bit changed in the end", Bundle: hex.EncodeToString(damaged)},
		{About: "one author, cut off within the end", Bundle: hex.EncodeToString(before[:len(before)-30])},
	}
}

// shown returns what is in a bundle, and what an empty log makes of it.
func shown(t *testing.T, about, text string) bundleVector {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	h, err := bundle.ReadHead(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", about, err)
	}
	c, to := inspect(t, b, nil), newMemLog()
	apply(t, to, b)
	v := bundleVector{
		About: about, Bundle: text, Log: h.Log, Genesis: hex.EncodeToString(h.Genesis), Author: h.Author.String(), Made: h.Made.UnixMilli(),
		Since: h.Since.Hash().String(), Upto: h.Upto.Hash().String(), Ops: c.Ops, Entries: c.Entries, Whole: c.Whole, Places: []string{},
	}
	for e, err := range to.set.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		v.Places = append(v.Places, fmt.Sprint(e.Place()))
	}
	return v
}
