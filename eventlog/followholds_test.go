package eventlog

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// TestFollowersHoldBackTrims names what each follower has not handled: its cursor, or what it has
// parked below it.
func TestFollowersHoldBackTrims(t *testing.T) {
	l := newCords(t, 500, 1, 0).open()
	for range 5 {
		if _, err := l.Append(t.Context(), crdt.Event{Kind: "k"}); err != nil {
			t.Fatal(err)
		}
	}
	follow := func(name string, cfg FollowConfig, poison uint64) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		cfg.OnError, cfg.ParkAfter = RetryOnError, 1
		err := l.Follow(ctx, name, cfg, func(_ *Tx, batch []Entry) error {
			for _, e := range batch {
				if e.Offset == poison {
					return errors.New("poison")
				}
			}
			if batch[len(batch)-1].Offset == 3 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	follow("a", FollowConfig{MaxEntries: 2}, 9)
	follow("loose", FollowConfig{MaxEntries: 2, DoesNotHold: true}, 1)
	follow("parked", FollowConfig{MaxEntries: 2}, 1)
	err := l.Update(t.Context(), func(tx *Tx) error { return tx.SetCursor("set", 3) })
	if err != nil {
		t.Fatal(err)
	}
	var got []Hold
	err = l.store.view(func(tx *readTx) (err error) {
		got, err = tx.holds()
		return err
	})
	want := []Hold{{Name: "a", Offset: 4}, {Name: "parked", Offset: 1}, {Name: "set", Offset: 3}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("holds %v, %v, want %v", got, err, want)
	}
}
