package eventlog_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// tally is a projection: the sum of all numbers, how many of each kind, and an entry that sums up each
// batch. It is right only if each entry has its effect once.
func tally(tx *eventlog.Tx, batch []eventlog.Entry) error {
	b := tx.Bucket("tally")
	add := func(key string, n uint64) error {
		sum := n
		if v := b.Get([]byte(key)); v != nil {
			sum += binary.BigEndian.Uint64(v)
		}
		return b.Put([]byte(key), binary.BigEndian.AppendUint64(nil, sum))
	}
	sum := uint64(0)
	for _, e := range batch {
		var n uint64
		if err := json.Unmarshal(e.Payload, &n); err != nil {
			return err
		}
		sum += n
		if err := errors.Join(add("sum", n), add(e.Kind, 1)); err != nil {
			return err
		}
	}
	if _, err := tx.Append(crdt.Event{Kind: "summary", Payload: fmt.Appendf(nil, "%d", sum)}); err != nil {
		return err
	}
	return add("summaries", 1)
}

// counted returns an event of one of three kinds that holds the number.
func counted(n int) crdt.Event {
	return crdt.Event{Kind: fmt.Sprint("kind ", n%3), Payload: fmt.Append(nil, n)}
}

// checkTally compares the projection with a replay of all that the follower has passed.
func checkTally(t *testing.T, l *eventlog.Log) {
	t.Helper()
	cursor := uint64(0)
	if s, err := l.Follower(t.Context(), "tally"); err == nil {
		cursor = s.Cursor
	}
	want := map[string]uint64{}
	emitted := uint64(0)
	for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival}) {
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.ParseUint(string(e.Payload), 10, 64)
		switch {
		case e.Kind == "summary":
			emitted += n
			want["summaries"]++
		case e.Offset < cursor:
			want["sum"] += n
			want[e.Kind]++
		}
	}
	err := l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		for k, v := range tx.Bucket("tally").Ascend(nil) {
			if got := binary.BigEndian.Uint64(v); got != want[string(k)] {
				t.Errorf("%s: %d, a replay says %d", k, got, want[string(k)])
			}
			delete(want, string(k))
		}
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Errorf("not in the projection: %v, %v", want, err)
	}
	if s := mustTally(t, l, "sum"); s != emitted {
		t.Errorf("the summaries say %d, the sum is %d", emitted, s)
	}
}

func mustTally(t *testing.T, l *eventlog.Log, key string) (n uint64) {
	t.Helper()
	err := l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		if v := tx.Bucket("tally").Get([]byte(key)); v != nil {
			n = binary.BigEndian.Uint64(v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFollowExactlyOnceWhenKilled kills a process that follows, at each step of a commit and at any
// write of it, again and again over one log: at the end each entry has had its effect once.
func TestFollowExactlyOnceWhenKilled(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		followChild(t, dir, os.Getenv("QUIPU_TEST_STEP"))
		return
	}
	dir := t.TempDir()
	if err := eventlogtest.Create(t, dir, config("killed")).Close(); err != nil {
		t.Fatal(err)
	}
	steps := append([]string{}, killSteps...)
	for range 12 {
		steps = append(steps, fmt.Sprintf("%d writes", rand.IntN(60)))
	}
	for _, step := range steps {
		if out, err := runChild(t, "TestFollowExactlyOnceWhenKilled", dir, "QUIPU_TEST_STEP="+step); err == nil {
			t.Fatalf("child survived a kill, %s: %s", step, out)
		}
		l, err := eventlog.Open(dir, config("killed"))
		if err != nil {
			t.Fatalf("open log of a child killed %s: %v", step, err)
		}
		eventlogtest.Verify(t, l)
		checkTally(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("killed %s", step)
		}
	}
	l := eventlogtest.Reopen(t, dir, config("killed"))
	if state := l.Recovering(); state != nil {
		t.Errorf("a kill has made it another file: %v", state)
	}
	s := status(t, l, "tally")
	if s.Handled == 0 || s.Handled != mustTally(t, l, "kind 0")+mustTally(t, l, "kind 1")+mustTally(t, l, "kind 2") {
		t.Errorf("status %+v", s)
	}
	t.Logf("%d entries handled by %d processes, %d in the log", s.Handled, len(steps), s.Next)
}

// followChild appends, follows, and is killed: at a step of the third commit of a batch, or with some
// write to the file from the beginning on.
func followChild(t *testing.T, dir, step string) {
	l, err := eventlog.Open(dir, config("killed"))
	if err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = unix.Kill(os.Getpid(), unix.SIGKILL); select {} }
	d := newDisk(t, l)
	left := 0
	if n, _ := fmt.Sscanf(step, "%d writes", &left); n == 1 {
		d.before = func(bool) error {
			if left--; left < 0 {
				kill()
			}
			return nil
		}
	}
	var events []crdt.Event
	for n := range 40 {
		events = append(events, counted(n))
	}
	if _, err := l.AppendBatch(context.Background(), events); err != nil {
		t.Fatal(err)
	}
	batches := 0
	err = l.Follow(context.Background(), "tally", eventlog.FollowConfig{MaxEntries: 7}, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		if batches++; batches == 3 && left == 0 {
			armKill(d, step, kill)
		}
		if batches == 4 && left == 0 {
			kill() // after the commit
		}
		return tally(tx, batch)
	})
	t.Fatal(err)
}

// TestFollowGoesOnWhenThereIsRoom fails commits of a follower for want of room: it looks at the file,
// and nothing is lost or done twice. After a failed sync the log opens its file again, and it goes on there.
func TestFollowGoesOnWhenThereIsRoom(t *testing.T) {
	cfg, fails := mendWhenTold("a")
	l := eventlogtest.Create(t, t.TempDir(), cfg)
	d := newDisk(t, l)
	for n := range 30 {
		if _, err := l.Append(t.Context(), counted(n)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := 0
	err := l.Follow(ctx, "tally", eventlog.FollowConfig{MaxEntries: 4, RetryMin: 1}, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		calls++
		d.before = func(bool) error { return nil }
		if calls%3 != 0 {
			d.before = func(bool) error { return errNoSpace }
		}
		if batch[len(batch)-1].Offset == 29 && calls%3 == 0 {
			cancel()
		}
		return tally(tx, batch)
	})
	if !errors.Is(err, context.Canceled) || calls != 24 {
		t.Errorf("follow: %v after %d calls", err, calls)
	}
	checkTally(t, l)
	if n := mustTally(t, l, "summaries"); n != 8 {
		t.Errorf("%d summaries, want 8", n)
	}

	fails(d)
	d.after = func(bool) { d.breakSync() }
	next, calls := uint64(0), 0
	err = l.Follow(t.Context(), "other", eventlog.FollowConfig{RetryMin: 1, MaxEntries: 10, Until: new(uint64(30))}, func(tx *eventlog.Tx, batch []eventlog.Entry) error {
		if calls++; calls != 2 && batch[0].Offset != next { // The second may be the first again.
			t.Errorf("a batch from offset %d, want %d", batch[0].Offset, next)
		}
		next = batch[len(batch)-1].Offset + 1
		return nil
	})
	if err != nil || calls < 3 || calls > 4 {
		t.Errorf("follow through a failed sync: %v after %d calls", err, calls)
	}
}
