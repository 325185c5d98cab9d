package eventlog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestADamagedFollowerStopsAlone spoils the cursor of one of two followers: it is named, nothing is skipped or given twice, and
// the other one and the log go on. Reset or removed it is a follower again.
func TestADamagedFollowerStopsAlone(t *testing.T) {
	l := newLog(t)
	for i := range 10 {
		if _, err := l.Append(t.Context(), note(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	follow := func(l *eventlog.Log, name string) error {
		return l.Follow(t.Context(), name, eventlog.FollowConfig{Until: new(l.Stats().Next)}, func(*eventlog.Tx, []eventlog.Entry) error { return nil })
	}
	for _, name := range []string{"f", "g"} {
		if err := follow(l, name); err != nil {
			t.Fatal(err)
		}
	}
	l = spoiled(t, l, "f")
	if _, err := l.Append(t.Context(), note("more")); err != nil {
		t.Error(err)
	}
	wantDamagedFollower(t, follow(l, "f"), "f")
	if err := follow(l, "g"); err != nil {
		t.Errorf("the other one: %v", err)
	}
	_, err := l.Follower(t.Context(), "f")
	wantDamagedFollower(t, err, "f")
	all, err := l.Followers(t.Context())
	if err != nil || len(all) != 2 || all[0].Failure == nil || !strings.Contains(all[0].Failure.Error, `follower "f"`) || all[1].Cursor != 11 {
		t.Errorf("the list of followers: %+v, %v", all, err)
	}
	holders, err := l.Holders(nil)
	if err != nil || len(holders) != 2 || holders[0].Name != "f" || holders[0].Offset != 0 {
		t.Errorf("who holds: %+v, %v: expected the damaged one to hold all", holders, err)
	}
	report, err := l.Verify(t.Context())
	if err != nil || len(report.Problems) != 1 || report.Problems[0].Follower != "f" || !strings.Contains(report.Problems[0].String(), `follower "f"`) {
		t.Errorf("verify: %+v, %v", report.Problems, err)
	}
	if err := l.ResetFollower(t.Context(), "f", 4); err != nil {
		t.Errorf("reset: %v", err)
	}
	if s, err := l.Follower(t.Context(), "f"); err != nil || s.Cursor != 4 || s.Handled != 0 {
		t.Errorf("after a reset: %+v, %v", s, err)
	}
	// A log whose last sync failed is verified when it is opened: the follower does not keep it from that either.
	if err := os.WriteFile(l.Path()+".unsynced", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l = spoiled(t, l, "f")
	if err := l.RemoveFollower(t.Context(), "f"); err != nil {
		t.Errorf("remove: %v", err)
	}
	eventlogtest.Verify(t, l)
}

// TestADamagedCursorOfAProgram is told to the program that asks for it, and may be set anew.
func TestADamagedCursorOfAProgram(t *testing.T) {
	l := newLog(t)
	set := func(tx *eventlog.Tx) error { return tx.SetCursor("p", 0) }
	if err := l.Update(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	l = spoiled(t, l, "p")
	wantDamagedFollower(t, l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		tx.Cursor("p")
		return nil
	}), "p")
	if err := l.Update(t.Context(), set); err != nil {
		t.Errorf("set anew: %v", err)
	}
	if err := l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		if at, found := tx.Cursor("p"); at != 0 || !found {
			t.Errorf("it is at %d, %v", at, found)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func wantDamagedFollower(t *testing.T, err error, name string) {
	t.Helper()
	var damaged *eventlog.DamagedError
	if !errors.As(err, &damaged) || !strings.Contains(damaged.What, fmt.Sprintf("follower %q", name)) || damaged.Path == "" {
		t.Errorf("got %v, want a DamagedError of follower %q", err, name)
	}
}

// spoiled changes a bit of a follower's cursor in the file of a log, and returns the log opened anew.
func spoiled(t *testing.T, l *eventlog.Log, name string) *eventlog.Log {
	t.Helper()
	dir := filepath.Dir(l.Path())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	change(t, l.Path(), "followers", name, func(v []byte) { v[7] ^= 2 })
	l, err := eventlog.Open(dir, config("a"))
	if err != nil {
		t.Fatalf("a log of which a follower is damaged: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// newLog creates a log that its test closes.
func newLog(t *testing.T) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Create(t.TempDir(), eventlog.Birth{Genesis: new(eventlogtest.Genesis(t))}, config("a"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}
