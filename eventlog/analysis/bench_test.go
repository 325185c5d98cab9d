package analysis_test

import (
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/analysis"
)

// BenchmarkJoin pairs a million entries that end where they began, and puts them into numbers.
func BenchmarkJoin(b *testing.B) {
	const pairs = 500_000
	j := sentPaid()
	j.Within = 2 * pairs * time.Second
	b.ReportAllocs()
	for b.Loop() {
		s, err := analysis.Summarize(j.Outcomes(startsThenEnds(pairs, pairs)), analysis.Breakdown{})
		if err != nil || s.Total.Pairs != pairs {
			b.Fatalf("%+v, %v", s, err)
		}
	}
	b.ReportMetric(float64(2*pairs*b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkNestedLoop pairs a hundredth of BenchmarkJoin's entries by comparing each with each.
func BenchmarkNestedLoop(b *testing.B) {
	const pairs = 5_000
	var all []eventlog.Entry
	for e := range startsThenEnds(pairs, pairs) {
		all = append(all, e)
	}
	slices.Reverse(all)
	for b.Loop() {
		naive(sentPaid(), all)
	}
	b.ReportMetric(float64(2*pairs*b.N)/b.Elapsed().Seconds(), "entries/s")
}
