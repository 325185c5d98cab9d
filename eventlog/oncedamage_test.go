package eventlog_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/restore"
)

// TestIDsOfARestoredLog restores a log of a backup, with its key and with another: what the backup has is known at once, and
// what comes back of the rest from a peer is known then.
func TestIDsOfARestoredLog(t *testing.T) {
	l, peer := eventlogtest.OpenAs(t, "own"), eventlogtest.OpenAs(t, "peer")
	appendOnce(t, l, named("app", "1", "a"), note("b"), named("", "2", "c"))
	eventlogtest.Exchange(t, l, peer)
	var b bytes.Buffer
	if _, err := l.Backup(t.Context(), &b, backup.Options{}); err != nil {
		t.Fatal(err)
	}
	appendOnce(t, l, named("", "3", "d"))
	eventlogtest.Exchange(t, l, peer)
	into := func(key string) *eventlog.Log {
		o, dir := restore.Options{}, filepath.Join(t.TempDir(), "new")
		if key != "own" {
			o.Key = eventlogtest.Key(key)
		}
		if _, err := restore.Into(t.Context(), dir, o, bytes.NewReader(b.Bytes())); err != nil {
			t.Fatal(err)
		}
		return eventlogtest.Reopen(t, dir, config(key))
	}
	same := into("own")
	if same.Recovering() == nil {
		t.Error("a restored log does not ask where its feed ends")
	}
	wantOnce(t, appendOnce(t, same, named("app", "1", "a"), named("", "2", "c")), "known 0", "known 2")
	eventlogtest.Exchange(t, peer, same)
	wantOnce(t, appendOnce(t, same, named("", "3", "d")), "known 3")
	other := into("new")
	if got, err := other.AppendOnce(t.Context(), []crdt.Event{named("app", "1", "a")}); err != nil || !got[0].Known || got[0].Author != l.Author() {
		t.Errorf("under another key: %v, %v", got, err)
	}
	eventlogtest.Exchange(t, peer, other)
	if got, err := other.AppendOnce(t.Context(), []crdt.Event{named("", "3", "d")}); err != nil || !got[0].Known || got[0].Author != l.Author() {
		t.Errorf("under another key: %v, %v", got, err)
	}
	// What comes from others has ids of theirs.
	eventlogtest.Exchange(t, l, other)
	if got, err := peer.AppendOnce(t.Context(), []crdt.Event{named("", "3", "another")}); err != nil || got[0].Known {
		t.Errorf("at another node: %v, %v", got, err)
	}
}

// changeIDs closes a log, and changes the row of each id in its file.
func changeIDs(t *testing.T, l *eventlog.Log, change func(rows *bbolt.Bucket, k, v []byte) error) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(l.Path(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		author := l.Author()
		rows := tx.Bucket([]byte("ids")).Bucket(author[:])
		var keys, values [][]byte
		_ = rows.ForEach(func(k, v []byte) error {
			keys, values = append(keys, bytes.Clone(k)), append(values, bytes.Clone(v))
			return nil
		})
		for i, k := range keys {
			if err := change(rows, k, values[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyHoldsIDsAgainstEntries spoils the rows of ids in each way: Verify tells, and a salvage makes them anew.
func TestVerifyHoldsIDsAgainstEntries(t *testing.T) {
	put := func(rows *bbolt.Bucket, k, v []byte) error { return rows.Put(k, v) }
	for name, c := range map[string]struct {
		spoil func(rows *bbolt.Bucket, k, v []byte) error
		says  string
	}{
		"a row is gone":            {func(rows *bbolt.Bucket, k, _ []byte) error { return rows.Delete(k) }, "bears an id that is not on record"},
		"a row has another value":  {func(rows *bbolt.Bucket, k, v []byte) error { v[7] ^= 1; return put(rows, k, v) }, "are damaged"},
		"a row has another length": {func(rows *bbolt.Bucket, k, v []byte) error { return put(rows, k, v[1:]) }, "are damaged"},
		"a row is there that is nobody's": {func(rows *bbolt.Bucket, k, v []byte) error {
			k[0] ^= 1
			v[7] = 2
			sum := crc32.Checksum(slices.Concat(k, v[:24]), crc32.MakeTable(crc32.Castagnoli))
			return put(rows, k, binary.BigEndian.AppendUint32(v[:24], sum))
		}, "an id is on record for entry 2, which does not bear it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(eventlogtest.Genesis(t))}, config("a"))
			if err != nil {
				t.Fatal(err)
			}
			appendOnce(t, l, note("a"), named("", "1", "b"), note("c"))
			changeIDs(t, l, c.spoil)
			if l, err = eventlog.Open(dir, config("a")); err != nil {
				t.Fatal(err)
			}
			report, err := l.Verify(t.Context())
			if err != nil || report.OK() || !strings.Contains(fmt.Sprint(report.Problems), c.says) {
				t.Errorf("%v, %v, want that %s", report.Problems, err, c.says)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := eventlog.Salvage(t.Context(), dir, config("a"), nil); err != nil {
				t.Fatal(err)
			}
			wantOnce(t, appendOnce(t, eventlogtest.Reopen(t, dir, config("a")), named("", "1", "b")), "known 1")
		})
	}
}

// TestDamagedIDsConcernThoseAlone spoils the pages that ids are on: what has an id is refused where it leads there, and all
// else is appended, together with it or not.
func TestDamagedIDsConcernThoseAlone(t *testing.T) {
	dir := t.TempDir()
	cfg := config("a")
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: new(eventlogtest.Genesis(t))}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		appendOnce(t, l, named("", fmt.Sprint(i), "x"))
	}
	var page int
	changeIDs(t, l, func(rows *bbolt.Bucket, _, _ []byte) error {
		page = int(rows.Root()) * rows.Tx().DB().Info().PageSize
		return nil
	})
	path := filepath.Join(dir, eventlog.FileName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[page:], bytes.Repeat([]byte{0xa5}, 16))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err = eventlog.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	plain, withID := make(chan error), make(chan error)
	for range 20 {
		go func() { _, err := l.Append(t.Context(), note("plain")); plain <- err }()
		go func() { _, err := l.Append(t.Context(), named("", "1", "x")); withID <- err }()
	}
	for range 20 {
		if err := <-plain; err != nil {
			t.Errorf("an append without an id: %v", err)
		}
		if _, damaged := errors.AsType[*eventlog.DamagedError](<-withID); !damaged {
			t.Error("an append with an id whose page is damaged did not say so")
		}
	}
	if report, err := l.Verify(t.Context()); err != nil || report.OK() {
		t.Errorf("%v, %v", report, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := eventlog.Salvage(t.Context(), dir, cfg, nil); err != nil {
		t.Fatal(err)
	}
	l = eventlogtest.Reopen(t, dir, cfg)
	if n := idRows(t, l); n != 300 {
		t.Errorf("%d ids after a salvage, want 300", n)
	}
}

// TestIDsOfALogThatIsOnlyRead verifies one, and appends nothing to it.
func TestIDsOfALogThatIsOnlyRead(t *testing.T) {
	dir := t.TempDir()
	l := eventlogtest.Create(t, dir, config("a"))
	appendOnce(t, l, named("", "1", "a"))
	cfg := config("a")
	cfg.ReadOnly = true
	reader, err := eventlog.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	if report, err := reader.Verify(t.Context()); err != nil || !report.OK() {
		t.Errorf("%v, %v", report, err)
	}
	if _, err := reader.Append(t.Context(), named("", "1", "a")); !errors.Is(err, eventlog.ErrOpenedReadOnly) {
		t.Errorf("%v", err)
	}
}
