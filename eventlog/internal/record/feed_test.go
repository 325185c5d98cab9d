package record_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

var author = crdt.Author(id(0xcd))

// forked returns what is kept of a feed with two branches.
func forked() *record.Feed {
	return &record.Feed{
		Feed: crdt.Feed{Author: author, Branches: []crdt.Branch{
			{Start: crdt.Key{ID: id(1)}, Rooted: true, Head: crdt.Head{Next: 9, ID: id(2)}, Clock: 3, Floor: 1},
			{Start: crdt.Key{First: 4, ID: id(3)}, Parent: id(4), Head: crdt.Head{Next: 5, ID: id(5)}, Clock: 6},
		}},
		Clock: 3, Ops: 0x12, Entries: 0x13, Trimmed: 0x14, Pruned: 0x15, TrimmedTo: 0x16, PruneSweep: 0x17, Bytes: 0x18,
		Shut: "too many branches",
	}
}

// The fields of its record behind the checksum.
const (
	numbers = "0000000000000003 0000000000000012 0000000000000013" +
		"0000000000000014 0000000000000015 0000000000000016 0000000000000017 0000000000000018"
	rest = "11 746f6f206d616e79206272616e63686573 00000002" +
		"0000000000000000 0101010101010101010101010101010101010101010101010101010101010101" +
		"0000000000000000000000000000000000000000000000000000000000000000 01" +
		"0000000000000009 0202020202020202020202020202020202020202020202020202020202020202 0000000000000003 0000000000000001" +
		"0000000000000004 0303030303030303030303030303030303030303030303030303030303030303" +
		"0404040404040404040404040404040404040404040404040404040404040404 00" +
		"0000000000000005 0505050505050505050505050505050505050505050505050505050505050505 0000000000000006 0000000000000000" +
		"0000"
)

func TestFeedBytes(t *testing.T) {
	f := forked()
	b := f.Encode(author)
	wantBytes(t, "record", b, "a458f0a0"+numbers+rest)
	got, err := record.ParseFeed(author, b)
	if err != nil {
		t.Fatal(err)
	}
	f.Heads = []crdt.Head{{Next: 5, ID: id(5)}, {Next: 9, ID: id(2)}}
	if diff := cmp.Diff(f, got, cmp.AllowUnexported(crdt.Signed{})); diff != "" {
		t.Error(diff)
	}
}

// summed returns the record with these fields and its checksum.
func summed(t *testing.T, fields string) []byte {
	t.Helper()
	b := unhex(t, fields)
	sum := crc32.Checksum(append(author[:], b...), crc32.MakeTable(crc32.Castagnoli))
	return append(binary.BigEndian.AppendUint32(nil, sum), b...)
}

// TestFeedRecord reads records back, and refuses every other byte.
func TestFeedRecord(t *testing.T) {
	leave := sealed(t).Signed
	f := forked()
	f.Feed.Leave = leave
	b := f.Encode(author)
	got, err := record.ParseFeed(author, b)
	if err != nil {
		t.Fatal(err)
	}
	if again := got.Encode(author); string(again) != string(b) || got.Feed.Leave.ID != leave.ID || len(got.Heads) != 2 {
		t.Errorf("record reads as %+v", got)
	}
	if _, err := record.ParseFeed(crdt.Author{1}, b); err == nil {
		t.Error("the record reads as that of another author")
	}
	for i := range b {
		flipped := bytes.Clone(b)
		flipped[i] ^= 0x10
		if _, err := record.ParseFeed(author, flipped); err == nil {
			t.Errorf("record reads with byte %d flipped", i)
		}
		if _, err := record.ParseFeed(author, b[:i]); err == nil {
			t.Errorf("record reads with %d bytes", i)
		}
	}
}

// A record whose checksum is right and whose lengths are not is refused, wherever it ends.
func TestFeedLengths(t *testing.T) {
	fields := numbers + rest
	whole := summed(t, fields)
	for n := 4; n < len(whole); n++ {
		b := bytes.Clone(whole[:n])
		binary.BigEndian.PutUint32(b, crc32.Checksum(append(author[:], b[4:]...), crc32.MakeTable(crc32.Castagnoli)))
		if _, err := record.ParseFeed(author, b); err == nil {
			t.Errorf("record reads with its first %d bytes", n)
		}
	}
	if _, err := record.ParseFeed(author, summed(t, fields+"00")); err == nil {
		t.Error("record reads with a byte more")
	}
}

func TestFeedCounts(t *testing.T) {
	f := forked()
	g := f.Clone()
	g.Grow(10)
	g.Grow(-4)
	g.Feed.Branches[0].Clock = 99
	if f.Bytes != 0x18 || g.Bytes != 0x18+6 || f.Feed.Branches[0].Clock != 3 {
		t.Errorf("%d bytes, %d of the clone, clock %s", f.Bytes, g.Bytes, f.Feed.Branches[0].Clock)
	}
	if f.Ahead() != 6 {
		t.Errorf("the last clock is %s", f.Ahead())
	}
	linear := forked()
	linear.Feed.Branches = linear.Feed.Branches[:1]
	var none *record.Feed
	if !f.Disputed() || linear.Disputed() || none.Disputed() {
		t.Errorf("disputed: forked %t, with one branch %t, none %t", f.Disputed(), linear.Disputed(), none.Disputed())
	}
}
