package transition_test

import (
	"fmt"
	"testing"

	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
)

// BenchmarkCheck checks 10,000 moves of 100 subjects.
func BenchmarkCheck(b *testing.B) {
	l := eventlogtest.Open(b)
	const subjects, rounds = 100, 100
	for range rounds {
		moves := make([]transition.Move, subjects)
		for i := range moves {
			moves[i] = transition.Move{Subject: fmt.Sprint("subject ", i), To: "draft"}
		}
		if _, err := transition.Append(b.Context(), l, moves...); err != nil {
			b.Fatal(err)
		}
	}
	m := proposals()
	m.Moves[0].From, m.Moves[0].To, m.Moves[0].Triggers = "draft", "draft", nil
	m.States, m.Terminal, m.Moves = m.States[:1], nil, m.Moves[:1]
	b.ReportAllocs()
	for b.Loop() {
		r, err := transition.CheckLog(b.Context(), l, m, transition.CheckConfig{})
		if err != nil || r.Odd != 0 || r.Transitions != subjects*rounds {
			b.Fatalf("%+v, %v", r, err)
		}
	}
	b.ReportMetric(subjects*rounds*float64(b.N)/b.Elapsed().Seconds(), "moves/s")
}
