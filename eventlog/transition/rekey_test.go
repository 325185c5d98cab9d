package transition_test

import (
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/transition"
)

// TestAStageMovesOnUnderANewKey: what this node appended as its former author is what has arrived of its own, and gives
// way to what came after it.
func TestAStageMovesOnUnderANewKey(t *testing.T) {
	dir, cfg := t.TempDir(), eventlog.Config{Key: eventlogtest.Key("former")}
	l := eventlogtest.Create(t, dir, cfg)
	if err := guarded(t, l, nil, transition.Move{Subject: "s", To: "open", Trigger: "t"}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	key := eventlogtest.Key("new")
	rekeyed, err := eventlog.Rekey(dir, cfg, key, func() error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := rekeyed.Close(); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, eventlog.Config{Key: key})
	other := eventlogtest.OpenAs(t, "other")
	eventlogtest.Exchange(t, l, other)
	mustAppend(t, other, transition.Move{Subject: "s", To: "done", Trigger: "t"})
	eventlogtest.Exchange(t, other, l)
	wantStage(t, l, "s", "done")
	if err := transition.CatchUp(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	wantStage(t, l, "s", "done")
	wantChain(t, l, "s")
}
