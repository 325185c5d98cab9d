package eventlog_test

import (
	"os"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// The file has room ahead for what comes, megabytes of it behind a log of some kilobytes; neither its size nor
// what is free in it tells of that.
func TestStatsDoNotCountTheRoomAhead(t *testing.T) {
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, eventlog.Config{Key: eventlogtest.Key("k")})
	events := make([]crdt.Event, 2000)
	for i := range events {
		events[i] = crdt.Event{Kind: "k", ContentType: "text/plain", Payload: make([]byte, 500)}
	}
	if _, err := l.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	for _, value := range [][]byte{make([]byte, 1<<20), nil} {
		if err := l.Update(t.Context(), func(tx *eventlog.Tx) error { return tx.Bucket("b").Put([]byte("k"), value) }); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Stat(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	s := l.Stats()
	if s.Bytes < 1_000_000 || s.Bytes > 4_000_000 || s.Bytes > file.Size() || file.Size() < 8<<20 {
		t.Errorf("2,000 entries of 500 bytes: %d bytes, in a file of %d", s.Bytes, file.Size())
	}
	c, err := l.Compact(t.Context())
	if err != nil || c.Before != s.Bytes || c.After != l.Stats().Bytes {
		t.Fatalf("compaction: %+v, %v", c, err)
	}
	if given := c.Before - c.After; given < 1<<20 || given < s.Free/2 || given > s.Free+s.Bytes/4 {
		t.Errorf("a compaction has given back %d bytes, where %d were free", given, s.Free)
	}
}
