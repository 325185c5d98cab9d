package eventlog

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/excerpt"
	"github.com/quipulog/quipu/eventlog/internal/pagetoken"
)

// Entry is an entry of the log as this node holds it.
//
// Entries that [Log.Entries] and [Log.Tail] yield, and those that followers are given, share memory with what was read
// beside them, up to 64 KiB or an op that is longer, which is never written again. To keep a few of many, keep their
// [Entry.Clone]. Entries that [Log.Page] and [Log.Lookup] return share none.
type Entry struct {
	crdt.Entry
	// Offset is the entry's place in this node's arrival order: local, contiguous, never sent.
	Offset uint64
}

// MarshalJSON returns the one JSON form of an entry, with its offset.
func (e Entry) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil, &e.Offset), nil }

// UnmarshalJSON reads what MarshalJSON returns. Without an offset Offset is 0.
func (e *Entry) UnmarshalJSON(b []byte) error {
	entry, offset, err := crdt.ParseEntryJSON(b)
	if err != nil {
		return err
	}
	*e = Entry{Entry: entry}
	if offset != nil {
		e.Offset = *offset
	}
	return nil
}

// Clone returns an entry that shares no memory with e.
func (e Entry) Clone() Entry {
	e.Kind = strings.Clone(e.Kind)
	e.Module = strings.Clone(e.Module)
	e.Subject = strings.Clone(e.Subject)
	e.ContentType = strings.Clone(e.ContentType)
	e.Payload = bytes.Clone(e.Payload)
	e.Headers = slices.Clone(e.Headers)
	for i, h := range e.Headers {
		e.Headers[i] = crdt.EventHeader{Name: strings.Clone(h.Name), Value: strings.Clone(h.Value)}
	}
	return e
}

// compareIn compares two entries in the given order.
func compareIn(order Order, a, b *Entry) int {
	switch order {
	case Causal:
		return crdt.CompareCausal(a.Entry, b.Entry)
	case Arrival:
		return cmp.Compare(a.Offset, b.Offset)
	}
	return crdt.CompareEntries(a.Entry, b.Entry)
}

// pageEnd is where a page ended, as a page token has it.
type pageEnd struct{ pagetoken.End }

// pageEndOf returns the end of a page whose last entry is e. What is gone is passed as a whole.
func pageEndOf(e *Entry, reverse bool) pageEnd {
	passed := uint64(0)
	if e.Gone > 0 && !reverse {
		passed = e.Gone - 1
	}
	return pageEnd{pagetoken.End{Author: e.Author, Seq: e.Seq + passed, Op: e.Op, Clock: e.Clock, Offset: e.Offset + passed}}
}

// compare compares e with where the page ended in the given order.
func (p *pageEnd) compare(order Order, e *Entry) int {
	at := Entry{Entry: crdt.Entry{Author: p.Author, Seq: p.Seq, Op: p.Op, Clock: p.Clock}, Offset: p.Offset}
	return compareIn(order, e, &at)
}

// unpacker reads the entries of excerpts into e, one after the other.
type unpacker struct {
	e      Entry
	unpack excerpt.Unpacker
}

// each is that of [excerpt.Unpacker].
func (u *unpacker) each(x *excerpt.Excerpt, reverse bool, yield func() bool) (bool, error) {
	u.unpack.Entry, u.unpack.Offset = &u.e.Entry, &u.e.Offset
	goesOn, err := u.unpack.Each(x, reverse, yield)
	if err != nil {
		err = damagedOp(x.Op.Author, x.Op.Key(), err)
	}
	return goesOn, err
}
