package crdt

import (
	"fmt"
	"testing"

	"github.com/ugorji/go/codec"
)

// benchEvent is an event of ordinary size: about 320 bytes encoded.
func benchEvent(i int) Event {
	return Event{
		Kind: "order.paid", Module: "shop/checkout", Subject: fmt.Sprintf("order/%08d", i), Time: vectorTime,
		Payload: fmt.Appendf(nil, `{"order":%d,"text":"%0200d"}`, i, i),
	}
}

// benchOp is an op of 48 entries, about 15 KB: what the group commit packs under load.
func benchOp(b *testing.B) Op {
	events := make([]Event, 48)
	for i := range events {
		events[i] = benchEvent(i)
	}
	return sealed(b, 0, events...)
}

func BenchmarkNewDraft(b *testing.B) {
	e := benchEvent(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewDraft(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, count := range []int{1, 48} {
		b.Run(fmt.Sprintf("entries=%d", count), func(b *testing.B) {
			drafts := make([]Draft, count)
			for i := range drafts {
				var err error
				if drafts[i], err = NewDraft(benchEvent(i)); err != nil {
					b.Fatal(err)
				}
			}
			key, h := rfcKey(0), Header{Log: vectorLog, Clock: 1}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Seal(key, h, drafts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseOp(b *testing.B) {
	op := benchOp(b)
	b.SetBytes(int64(op.Size()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseOp(op.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckBody(b *testing.B) {
	op := benchOp(b)
	b.SetBytes(int64(op.Size()))
	b.ReportAllocs()
	for b.Loop() {
		if err := op.CheckBody(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	op := benchOp(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := op.Verify(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEntries(b *testing.B) {
	op := benchOp(b)
	b.SetBytes(int64(op.Size()))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range op.Entries() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(op.Count), "ns/entry")
}

// BenchmarkDecodeEntry compares decoding that aliases its input with decoding that copies out.
func BenchmarkDecodeEntry(b *testing.B) {
	e := benchEvent(1)
	encoded := encodeEvent(&e)
	copying := new(codec.MsgpackHandle)
	copying.WriteExt, copying.PositiveIntUnsigned = true, true
	for name, h := range map[string]*codec.MsgpackHandle{"aliasing": handle, "copying": copying} {
		b.Run(name, func(b *testing.B) {
			d := codec.NewDecoderBytes(nil, h)
			b.SetBytes(int64(len(encoded)))
			b.ReportAllocs()
			for b.Loop() {
				var w wireEntry
				d.ResetBytes(encoded)
				if err := d.Decode(&w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEntryJSON(b *testing.B) {
	e := Entry{Event: benchEvent(1), Author: AuthorOf(rfcKey(0)), Seq: 1, Clock: 1}
	line := e.AppendJSON(nil, nil)
	b.Run("append", func(b *testing.B) {
		var buf []byte
		b.SetBytes(int64(len(line)))
		b.ReportAllocs()
		for b.Loop() {
			buf = e.AppendJSON(buf[:0], nil)
		}
	})
	b.Run("parseEvent", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseEventJSON(line); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parseEntry", func(b *testing.B) {
		b.SetBytes(int64(len(line)))
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := ParseEntryJSON(line); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkProof(b *testing.B) {
	op := benchOp(b)
	held := chain{op.Signed}
	proof, err := ProveEntry(held, op, 7)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("prove", func(b *testing.B) {
		for b.Loop() {
			if _, err := ProveEntry(held, op, 7); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if _, err := proof.Verify(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
