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

func BenchmarkReopen(b *testing.B) {
	op := benchOp(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Reopen(op.ID, op.Bytes()); err != nil {
			b.Fatal(err)
		}
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

// BenchmarkEntries compares what reads the entries of an op: the reader, which decodes by the walk over the
// shape into the caller's memory; the sequence that stands on it; and the codec, which checks nothing.
func BenchmarkEntries(b *testing.B) {
	headers := make([]Event, 48)
	for i := range headers {
		headers[i] = benchEvent(i)
		headers[i].Headers = []EventHeader{{"id", "00000000"}, {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}
	}
	for name, op := range map[string]Op{"plain": benchOp(b), "headers": sealed(b, 0, headers...)} {
		for by, read := range map[string]func() error{
			"reader":   readByReader(&op),
			"sequence": readBySequence(op),
			"codec":    readByCodec(op),
		} {
			b.Run(name+"/"+by, func(b *testing.B) {
				b.SetBytes(int64(op.Size()))
				b.ReportAllocs()
				for b.Loop() {
					if err := read(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(op.Count), "ns/entry")
			})
		}
	}
}

func readByReader(op *Op) func() error {
	entries := make([]Entry, op.Count)
	return func() error {
		var r EntryReader
		r.Open(op)
		for i := range entries {
			if !r.Next(&entries[i]) {
				return fmt.Errorf("entry %d: %w", i, r.Err())
			}
		}
		return nil
	}
}

func readBySequence(op Op) func() error {
	return func() error {
		for _, err := range op.Entries() {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func readByCodec(op Op) func() error {
	aliasing := new(codec.MsgpackHandle)
	aliasing.WriteExt, aliasing.ZeroCopy = true, true
	d := codec.NewDecoderBytes(nil, aliasing)
	return func() error {
		for _, encoded := range op.encoded() {
			var w wireEntry
			d.ResetBytes(encoded)
			if err := d.Decode(&w); err != nil {
				return err
			}
		}
		return nil
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
