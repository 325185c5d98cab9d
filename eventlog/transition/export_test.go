package transition

import (
	"testing"

	"github.com/quipulog/quipu/eventlog"
)

// HeldBySurvey returns how many transitions a survey of the log holds at most.
func HeldBySurvey(t *testing.T, l *eventlog.Log) int {
	w, err := newWithin(t.Context(), l, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	s := survey{causal: w.causal, pruned: w.pruned}
	if err := s.run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	held := 0
	for subject, err := range s.tangled(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		held += len(subject.History)
	}
	return held
}
