package server_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/restore"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// TestBackups: what comes through the interface is what the log has, and is checked on its way; then what it lacks.
func TestBackups(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		fillLog(t, log, 3000)
		var first, second bytes.Buffer
		var told api.Progress
		req := api.BackupRequest{Files: []backup.File{{Name: "quipu.yaml", Data: []byte("name: a")}}, Key: []byte("sealed")}
		whole, err := c.Backup(t.Context(), &first, req, func(p api.Progress) { told = p })
		if err != nil || whole.Entries != 3000 || whole.Bytes != int64(first.Len()) || told != (api.Progress{Done: 3000, Total: 3000, Unit: "entries"}) {
			t.Fatalf("%d entries, %d of %d bytes, told %+v, %v", whole.Entries, whole.Bytes, first.Len(), told, err)
		}
		read, err := backup.ReadSummary(bytes.NewReader(first.Bytes()))
		if diff := cmp.Diff(whole, read, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("%v (-told +read):\n%s", err, diff)
		}
		fillLog(t, log, 2)
		more, err := c.Backup(t.Context(), &second, api.BackupRequest{Since: &whole}, nil)
		if err != nil || more.Entries != 2 || *more.Since != whole.ID || more.Files != nil || more.Key != nil {
			t.Fatalf("since: %+v, %v", more.Head, err)
		}
		dir := filepath.Join(t.TempDir(), "new")
		done, err := restore.Into(t.Context(), dir, restore.Options{}, &first, &second)
		if err != nil || done.Entries != 3002 {
			t.Fatalf("restored %d entries: %v", done.Entries, err)
		}
	})
}

// TestBackupsRefused: before a byte of them is there.
func TestBackupsRefused(t *testing.T) {
	other := eventlogtest.OpenAs(t, "other")
	since, err := other.Backup(t.Context(), io.Discard, backup.Options{})
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		for name, req := range map[string]api.BackupRequest{
			"one of another log": {Since: &since},
			"a path":             {Files: []backup.File{{Name: "../a"}}},
		} {
			var out bytes.Buffer
			_, err := c.Backup(t.Context(), &out, req, nil)
			if refusal, ok := errors.AsType[*api.Error](err); !ok || refusal.Code != api.Invalid || out.Len() > 0 {
				t.Errorf("%s: %v, %d bytes", name, err, out.Len())
			}
		}
	})
}

// brokenPipe takes so many bytes.
type brokenPipe struct{ left int }

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// TestBackupNobodyTakes: the error is that of writing, and the log goes on.
func TestBackupNobodyTakes(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		fillLog(t, log, 3000)
		if _, err := c.Backup(t.Context(), &brokenPipe{1 << 20}, api.BackupRequest{}, nil); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("error %v", err)
		}
	})
}

// waiting takes what is written, but calls then before it takes more than the first of it.
type waiting struct {
	bytes.Buffer
	then func()
}

func (w *waiting) Write(b []byte) (int, error) {
	if w.Len() > 0 && w.then != nil {
		w.then()
		w.then = nil
	}
	return w.Buffer.Write(b)
}

// TestNothingWaitsForABackup: while nobody takes it entries are appended and bodies trimmed, once its hold has passed,
// and what was written by then is restored.
func TestNothingWaitsForABackup(t *testing.T) {
	var ahead atomic.Int64
	cfg := eventlog.Config{Key: eventlogtest.Key("own"), Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: 3}, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}
	log := eventlogtest.Create(t, t.TempDir(), cfg)
	events := make([]crdt.Event, 40)
	for i := range events {
		events[i] = crdt.Event{Kind: "k", ContentType: "text/plain", Payload: bytes.Repeat([]byte{byte('a' + i)}, 1<<18), Retention: crdt.Trimmable}
	}
	if _, err := log.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	for _, held := range []bool{true, false} {
		c := transports["in memory"](t, server.New(server.Config{Log: log}))
		var trims []uint64
		out := &waiting{then: func() {
			if _, err := log.Append(t.Context(), crdt.Event{Kind: "meanwhile"}); err != nil {
				t.Error(err)
			}
			if !held {
				ahead.Store(int64(2 * time.Minute))
			}
			report, err := log.Trim(t.Context(), eventlog.TrimOptions{})
			if err != nil {
				t.Error(err)
			}
			trims = append(trims, report.Trimmed.Ops)
		}}
		s, err := c.Backup(t.Context(), out, api.BackupRequest{Hold: age.Age(time.Minute)}, nil)
		if err != nil || !s.Whole() {
			t.Fatalf("%+v, %v", s.End, err)
		}
		if len(trims) != 1 || (trims[0] > 20) == held {
			t.Errorf("held %t: %d ops were trimmed meanwhile", held, trims)
		}
		dir := filepath.Join(t.TempDir(), "new")
		done, err := restore.Into(t.Context(), dir, restore.Options{}, out)
		if err != nil || done.Entries != s.To {
			t.Errorf("restored %d of %d entries: %v", done.Entries, s.To, err)
		}
	}
}
