package node

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
)

// TestWhatASalvageHasNotFoundIsMissing: what a log knows nothing of, since the end of a feed is lost with it, is named until
// the feed is as long again.
func TestWhatASalvageHasNotFoundIsMissing(t *testing.T) {
	l := eventlogtest.Open(t)
	for range 3 {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "k"}); err != nil {
			t.Fatal(err)
		}
	}
	own, other := l.Author(), crdt.AuthorOf(eventlogtest.Key("other"))
	r := repairing{log: l}
	got, err := r.lacking(t.Context(), []api.Hole{holeOf(own, 0, 3), holeOf(own, 1, 5), holeOf(own, 7, 8), holeOf(other, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	want := []crdt.Span{{Author: own, From: 3, Upto: 5}, {Author: own, From: 7, Upto: 8}}
	if theirs := (crdt.Span{Author: other, Upto: 2}); string(own[:]) < string(other[:]) {
		want = append(want, theirs)
	} else {
		want = append([]crdt.Span{theirs}, want...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// TestADamagedFollowerIsNamedAndNoFileIsMadeAnew: nobody else has where a follower stands, so a repair names it, and leaves it
// and the file as they are.
func TestADamagedFollowerIsNamedAndNoFileIsMadeAnew(t *testing.T) {
	dir, cfg := t.TempDir(), eventlog.Config{Key: eventlogtest.Key("a")}
	l := eventlogtest.Create(t, dir, cfg)
	for _, err := range []error{
		l.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.SetCursor("f", 0) }),
		l.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := bbolt.Open(l.Path(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("followers")).Put([]byte("f"), []byte("damaged"))
	}), db.Close()); err != nil {
		t.Fatal(err)
	}
	if l, err = eventlog.Open(dir, cfg); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := repairing{log: l, tell: func(api.Progress) {}}
	got, err := r.run(t.Context(), api.RepairRequest{}, nil)
	if err != nil || got.OK || got.Salvage || len(got.Problems) != 1 || !strings.Contains(got.Problems[0], `follower "f"`) {
		t.Errorf("%+v, %v", got, err)
	}
}
