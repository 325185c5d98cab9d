package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// run is a Follow or Deliver that runs beside a test.
type run struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan error
}

// start runs fn beside the test, which is in a bubble, and waits until it waits.
func start(t *testing.T, fn func(ctx context.Context) error) *run {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &run{t: t, cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- fn(ctx) }()
	synctest.Wait()
	return r
}

// stop ends what runs, and fails the test if something else had ended it.
func (r *run) stop() {
	r.t.Helper()
	r.cancel()
	if err := <-r.ended; !errors.Is(err, context.Canceled) {
		r.t.Errorf("ended with %v, want context.Canceled", err)
	}
}

// error waits until what runs ends, and returns why.
func (r *run) error() error {
	defer r.cancel()
	return <-r.ended
}

// catchUp follows until everything is handled.
func catchUp(t *testing.T, l *eventlog.Log, name string, cfg eventlog.FollowConfig, handler func(*eventlog.Tx, []eventlog.Entry) error) {
	t.Helper()
	start(t, func(ctx context.Context) error { return l.Follow(ctx, name, cfg, handler) }).stop()
}

// keep is a handler that adds what it is given to a text in the bucket called name.
func keep(name string) func(tx *eventlog.Tx, batch []eventlog.Entry) error {
	return func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		b := tx.Bucket(name)
		return b.Put([]byte("all"), append(b.Get([]byte("all")), saying(batch)+"|"...))
	}
}

// kept returns what keep has kept: the batches, each ended by a bar.
func kept(t *testing.T, l *eventlog.Log, name string) (all string) {
	t.Helper()
	err := l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		all = string(tx.Bucket(name).Get([]byte("all")))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantKept(t *testing.T, l *eventlog.Log, name, want string) {
	t.Helper()
	if got := kept(t, l, name); got != want {
		t.Errorf("%s has handled %q, want %q", name, got, want)
	}
}

// saying returns what entries say.
func saying(entries []eventlog.Entry) string {
	var all []string
	for _, e := range entries {
		var s string
		_ = json.Unmarshal(e.Payload, &s)
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

// numbered returns n events that say their number, from first on.
func numbered(first, n int) []crdt.Event {
	var events []crdt.Event
	for i := range n {
		events = append(events, note(fmt.Sprint(first+i)))
	}
	return events
}

func appendAll(t testing.TB, l *eventlog.Log, events []crdt.Event) {
	t.Helper()
	if _, err := l.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

func status(t *testing.T, l *eventlog.Log, name string) eventlog.FollowerStatus {
	t.Helper()
	s, err := l.Follower(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
