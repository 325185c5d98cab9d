package typed_test

import (
	"errors"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/typed"
)

type progress struct {
	Percent int `json:"percent"`
}

// A type that is transient is told to who listens; it is never appended.
func TestATransientTypeIsBroadcast(t *testing.T) {
	l := eventlogtest.Open(t)
	seen := typed.MustDefine(typed.Declaration[progress]{Kind: "progress", Retention: crdt.Transient})
	heard := l.Listen(t.Context(), seen.Query(eventlog.Query{}), eventlog.ListenConfig{})
	reach, err := seen.Broadcast(t.Context(), l, progress{40}, eventlog.Here)
	if err != nil || reach.Listeners != 1 {
		t.Fatalf("reach %+v, %v", reach, err)
	}
	for e, err := range heard {
		if err != nil || e.Kind != "progress" || string(e.Payload) != `{"percent":40}` {
			t.Errorf("heard %s %s, %v", e.Kind, e.Payload, err)
		}
		break
	}
	if _, err := seen.Append(t.Context(), l, progress{50}); !errors.Is(err, eventlog.ErrTransient) {
		t.Errorf("append: %v", err)
	}
	if next := l.Stats().Next; next != 0 {
		t.Errorf("%d entries are in the log", next)
	}
}

// What is gone is shown to a typed reading that asks for it, and is none of its values.
func TestATypedReadingShowsWhatIsGone(t *testing.T) {
	l := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("typed")})
	kept := typed.MustDefine(typed.Declaration[progress]{Kind: "progress", Retention: crdt.Trimmable})
	for i := range 2 {
		if _, err := kept.Append(t.Context(), l, progress{i}); err != nil {
			t.Fatal(err)
		}
	}
	policy := eventlog.TrimPolicy{MinAge: -1, MinCount: 1}
	if _, err := l.Trim(t.Context(), eventlog.TrimOptions{Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	var gone, values uint64
	for e, err := range kept.Read(t.Context(), l, eventlog.Query{Gone: eventlog.ShowGone}) {
		if err != nil {
			t.Fatal(err)
		}
		if gone += e.Gone; e.Gone == 0 {
			values++
		}
	}
	if gone != 1 || values != 1 {
		t.Errorf("%d are gone, %d values", gone, values)
	}
}
