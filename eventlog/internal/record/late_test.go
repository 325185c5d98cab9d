package record_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/record"
)

// late are the fields of a record's late arrivals.
func late(seq, next, offset, ops uint64) string {
	return fmt.Sprintf("%016x%016x%016x%016x", seq, next, offset, ops)
}

// TestLateBytes pins what a record says of late arrivals, which stands behind all else, and nothing where there are none.
func TestLateBytes(t *testing.T) {
	f := forked()
	f.Late.Add(5, 3, 0x21)
	f.Late.Add(8, 1, 0x24)
	b := f.Encode(author)
	wantBytes(t, "record", b, fmt.Sprintf("%x", summed(t, numbers+rest+"0000000000000005"+"0000000000000009"+"0000000000000021"+"0000000000000002")))
	want := record.Late{Seq: 5, Next: 9, Offset: 0x21, Ops: 2}
	got, err := record.ParseFeed(author, b)
	if err != nil || got.Late != want || got.Late.End() != 0x25 {
		t.Errorf("read as %+v, %v", got, err)
	}
	if alone, err := record.LateOf(author, b); err != nil || alone != want {
		t.Errorf("read alone as %+v, %v", alone, err)
	}
	if from := want.From(0x24); from.Seq != 8 || from.Next != 9 || from.End() != want.End() {
		t.Errorf("from offset 36 on it is %+v", from)
	}
	if none, err := record.LateOf(author, summed(t, numbers+rest)); err != nil || none != (record.Late{}) {
		t.Errorf("where nothing is late it reads %+v, %v", none, err)
	}
}

// TestLateRefuses refuses what no log writes, though its checksum is right, and all that was changed or cut.
func TestLateRefuses(t *testing.T) {
	refused := func(what string, b []byte) {
		t.Helper()
		if _, err := record.ParseFeed(author, b); err == nil {
			t.Errorf("%s: the record is read", what)
		}
		if l, err := record.LateOf(author, b); err == nil && l.Ops > 0 {
			t.Errorf("%s: read alone as %+v", what, l)
		}
	}
	for what, fields := range map[string]string{
		"no entries":            late(5, 5, 1, 1),
		"it ends before":        late(5, 4, 1, 1),
		"no ops":                late(5, 9, 1, 0),
		"more ops than entries": late(5, 9, 1, 5),
		"more ops than may be":  late(5, 5+2*record.MaxLate, 1, record.MaxLate+1),
		"more entries than ops": late(5, 6+2*crdt.MaxOpEntries, 1, 2),
		"a seq beyond all":      late(crdt.MaxSeq, crdt.MaxSeq+1, 1, 1),
		"an offset beyond all":  late(5, 9, crdt.MaxSeq, 1),
		"a byte less":           strings.TrimSuffix(late(5, 9, 1, 2), "02"),
		"a byte more":           late(5, 9, 1, 2) + "00",
	} {
		refused(what, summed(t, numbers+rest+fields))
	}
	whole := summed(t, numbers+rest+late(5, 9, 1, 2))
	for i := range whole {
		b := append([]byte(nil), whole...)
		b[i] ^= 1
		refused(fmt.Sprintf("byte %d is another", i), b)
		refused(fmt.Sprintf("%d bytes", i), whole[:i])
	}
}
