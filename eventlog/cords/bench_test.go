package cords_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/cords"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// bigLog is a log of so many entries over twenty years, of so many authors.
func bigLog(b *testing.B, entries, authors int) *eventlog.Log {
	b.Helper()
	genesis := eventlogtest.Genesis(b)
	l := eventlogtest.Create(b, b.TempDir(), eventlog.Config{Key: eventlogtest.Key("who reads"), MaxAuthors: authors + 1})
	each := entries / authors
	for a := 0; a < authors; a += 100 {
		var runs []crdt.Run
		for i := range min(100, authors-a) {
			key := eventlogtest.Key(fmt.Sprint("author ", a+i))
			h := crdt.Header{Log: genesis.Log()}
			var run crdt.Run
			for n := 0; n < each; n += 500 {
				events := make([]crdt.Event, min(500, each-n))
				for k := range events {
					at := noon.Add(-20 * 365 * 24 * time.Hour).Add(time.Duration(n+k) * (20 * 365 * 24 * time.Hour / time.Duration(each)))
					events[k] = crdt.Event{Kind: fmt.Sprintf("kind-%d", (n+k)%7), Subject: "subject", Time: at, Payload: []byte(`{"some":"thing"}`)}
				}
				if len(run.Ops) > 0 {
					last := run.Ops[len(run.Ops)-1]
					h.First, h.Prev = last.Next(), last.ID
				}
				h.Clock = crdt.ClockAt(noon) + crdt.Clock(n) + 1
				op, err := crdt.NewOp(key, h, noon, events...)
				if err != nil {
					b.Fatal(err)
				}
				run.Ops = append(run.Ops, op)
			}
			runs = append(runs, run)
		}
		if outcomes, err := l.Apply(b.Context(), runs); err != nil || outcomes[0].Err != nil {
			b.Fatal(err, outcomes)
		}
	}
	return l
}

// BenchmarkCords counts a million entries, and reads pictures of them: of all, of a year, and of a day.
func BenchmarkCords(b *testing.B) {
	for _, authors := range []int{1, 200, 10_000} {
		l := bigLog(b, 1_000_000, authors)
		p := cords.Of(l)
		began := time.Now()
		if err := p.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
		counted := time.Since(began)
		for name, span := range map[string]time.Duration{"all": 0, "year": 365 * 24 * time.Hour, "day": 24 * time.Hour} {
			b.Run(fmt.Sprintf("authors=%d/%s", authors, name), func(b *testing.B) {
				var w cords.Window
				if span > 0 {
					from := noon.Add(-5 * 365 * 24 * time.Hour)
					w.From, w.To = new(from.UnixMilli()), new(from.Add(span).UnixMilli())
				}
				var pic *cords.Picture
				for b.Loop() {
					var err error
					if pic, err = p.Read(b.Context(), w); err != nil {
						b.Fatal(err)
					}
				}
				cells := 0
				for _, c := range pic.Cords {
					cells += len(c.Cells)
				}
				b.ReportMetric(float64(cells), "cells")
				b.ReportMetric(float64(pic.Bucket)/1000, "bucket-s")
				b.ReportMetric(float64(counted.Nanoseconds())/1e6, "count-ns/entry")
			})
		}
	}
}
