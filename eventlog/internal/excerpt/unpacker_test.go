package excerpt

import (
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
)

// TestUnpack reads stretches of an op in both directions by one unpacker, after others, to their end or not.
func TestUnpack(t *testing.T) {
	now := time.UnixMilli(1)
	var events []crdt.Event
	for _, subject := range []string{"a", "b", "c", "d"} {
		events = append(events, crdt.Event{Kind: "k", Subject: subject, Payload: []byte(`"` + subject + `"`)})
	}
	h := crdt.Header{First: 7, Prev: crdt.OpID{1}, Clock: crdt.NextClock(now, 0, 0)}
	op, err := crdt.NewOp(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), h, now, events...)
	if err != nil {
		t.Fatal(err)
	}
	var all []crdt.Entry
	for e, err := range op.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		e.Disputed = true
		all = append(all, e)
	}
	var e crdt.Entry
	var offset uint64
	u := Unpacker{Entry: &e, Offset: &offset}
	for _, c := range []struct {
		from, to uint64
		reverse  bool
		most     int // entries, then the reader has enough
	}{
		{7, 11, false, 9}, {7, 11, true, 9}, {8, 10, false, 9}, {8, 10, true, 9}, {7, 8, true, 9}, {10, 11, false, 9},
		{7, 11, false, 2}, {7, 11, true, 2}, {8, 11, true, 1}, {7, 11, false, 9},
	} {
		want := slices.Clone(all[c.from-7 : c.to-7])
		if c.reverse {
			slices.Reverse(want)
		}
		want = want[:min(len(want), c.most)]
		var got []crdt.Entry
		var o Op
		o.Set(op, 100)
		o.Disputed = true
		ended, err := u.Each(&Excerpt{Op: &o, From: c.from, To: c.to}, c.reverse, func() bool {
			got = append(got, e)
			if offset != 100+e.Seq-7 {
				t.Errorf("%+v: seq %d at offset %d", c, e.Seq, offset)
			}
			return len(got) < c.most
		})
		if err != nil || ended != (len(got) < c.most) {
			t.Errorf("%+v: to the end %t, %v", c, ended, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c, diff)
		}
	}
	var o Op
	o.Set(op.Trim(), 100)
	stands := 0
	if _, err := u.Each(&Excerpt{Op: &o, From: 8, To: 10}, false, func() bool { stands++; return true }); err != nil || stands != 1 {
		t.Errorf("without its body: %d entries, %v", stands, err)
	}
	if want := (crdt.Entry{Author: op.Author, Seq: 8, Op: op.ID, Clock: op.Clock, Gone: 2}); offset != 101 || !cmp.Equal(want, e) {
		t.Errorf("without its body, at offset %d: %s", offset, cmp.Diff(want, e))
	}
}
