package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/restore"
)

// TestLogsOfAllKinds: an empty one, one that had other authors, and one whose follower has parked entries are restored as
// they were.
func TestLogsOfAllKinds(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) (*eventlog.Log, eventlog.Config){
		"empty": func(t *testing.T) (*eventlog.Log, eventlog.Config) {
			return eventlogtest.Create(t, t.TempDir(), config("own")), config("own")
		},
		"former authors": func(t *testing.T) (*eventlog.Log, eventlog.Config) {
			l, cfg := tangled(t), config("own")
			for _, next := range []string{"second", "third"} {
				must(t, l.Close())
				var err error
				l, err = eventlog.Rekey(filepath.Dir(l.Path()), cfg, eventlogtest.Key(next), func() error { return nil })
				must(t, err)
				cfg = config(next)
				eventlogtest.Add(t, l, 3, crdt.Trimmable)
			}
			t.Cleanup(func() { must(t, l.Close()) })
			return l, cfg
		},
		"parked": func(t *testing.T) (*eventlog.Log, eventlog.Config) {
			l := tangled(t)
			last := l.Stats().Next - 1
			ctx, stop := context.WithCancel(t.Context())
			follow := eventlog.FollowConfig{OnError: eventlog.RetryOnError, ParkAfter: 1, SkipTrimmed: true}
			err := l.Follow(ctx, "parks", follow, func(_ *eventlog.Tx, batch []eventlog.Entry) error {
				for _, e := range batch {
					if e.Offset == last-2 {
						return errors.New("poison")
					}
					if e.Offset == last {
						stop()
					}
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if parked, err := l.Parked(t.Context(), "parks"); err != nil || len(parked) == 0 {
				t.Fatalf("parked %v, %v", parked, err)
			}
			return l, config("own")
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, cfg := make(t)
			want := show(t, l)
			b, _ := made(t, l, backup.Options{})
			_, err := backup.Check(t.Context(), bytes.NewReader(b), nil)
			must(t, err)
			r, _ := restored(t, cfg, restore.Options{}, b)
			same(t, want, show(t, r))
			for _, f := range want.Followers {
				was, err := l.Parked(t.Context(), f.Name)
				must(t, err)
				is, err := r.Parked(t.Context(), f.Name)
				must(t, err)
				if len(was) != len(is) {
					t.Errorf("%s has parked %d entries, had %d", f.Name, len(is), len(was))
				}
			}
			if was, is := l.Authors(), r.Authors(); len(was) != len(is) || was[len(was)-1] != is[len(is)-1] {
				t.Errorf("authors %v, were %v", is, was)
			}
		})
	}
}

// TestABackupHolds: what is not written yet is kept from trims, however far behind it is, and for no longer than it was
// said.
func TestABackupHolds(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	cfg := config("own")
	cfg.Now, cfg.Trim.MaxHold = func() time.Time { return now }, 1
	l := eventlogtest.Create(t, t.TempDir(), cfg)
	eventlogtest.Add(t, l, 20, crdt.Trimmable)
	w := &acting{}
	trimmed := []uint64{}
	w.act = func() {
		if len(trimmed) == 2 {
			return
		}
		report, err := l.Trim(t.Context(), eventlog.TrimOptions{})
		must(t, err)
		trimmed = append(trimmed, report.Trimmed.Entries)
		holders, err := l.Holders(nil)
		if held := len(holders) > 0; err != nil || held != (len(trimmed) == 1) || held && holders[0].Name != "backup" {
			t.Errorf("holders %+v, %v", holders, err)
		}
		now = now.Add(time.Hour)
	}
	s, err := l.Backup(t.Context(), w, backup.Options{MaxHold: time.Hour})
	must(t, err)
	if len(trimmed) != 2 || trimmed[0] != 0 || trimmed[1] == 0 || s.Entries != 20 {
		t.Errorf("trimmed %v beside a backup of %d entries", trimmed, s.Entries)
	}
	if holders, err := l.Holders(nil); err != nil || len(holders) > 0 {
		t.Errorf("after the backup: %v, %v", holders, err)
	}
}

// TestBackupsNeedLittleMemory: neither who makes one, nor who checks or restores it, keeps more of a million entries in
// memory than of a few.
func TestBackupsNeedLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a million entries")
	}
	const batches, each, most = 250, 4000, 64 << 20
	l := eventlogtest.Create(t, t.TempDir(), config("own"))
	batch := make([]crdt.Event, each)
	for i := range batch {
		batch[i] = crdt.Event{Kind: "k", ContentType: "text/plain", Payload: bytes.Repeat([]byte{byte(i)}, 40)}
	}
	for range batches {
		_, err := l.AppendBatch(t.Context(), batch)
		must(t, err)
	}
	clear(batch)
	base, peak, calls := eventlogtest.HeapAlive(), int64(0), 0
	look := func(done, total uint64) {
		if calls++; calls%20 == 0 {
			peak = max(peak, eventlogtest.HeapAlive()-base)
		}
	}
	r, w := io.Pipe()
	file := filepath.Join(t.TempDir(), "backup")
	go func() {
		_, err := l.Backup(t.Context(), w, backup.Options{Progress: look})
		_ = w.CloseWithError(err)
	}()
	done, err := restore.Into(t.Context(), file, restore.Options{}, r)
	must(t, err)
	t.Logf("%d KiB at most", peak>>10)
	if done.Entries != batches*each || calls < 20 || peak > most {
		t.Errorf("%d entries, and %d MiB more were in memory after %d calls", done.Entries, peak>>20, calls)
	}
}

// TestALogIsBackedUpWithoutWriting: of a folder that cannot be written, without the key, and nothing in it changes.
func TestALogIsBackedUpWithoutWriting(t *testing.T) {
	l := tangled(t)
	want, dir := show(t, l), filepath.Dir(l.Path())
	must(t, l.Close())
	before, err := os.ReadDir(dir)
	must(t, err)
	must(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	l, err = eventlog.Open(dir, eventlog.Config{ReadOnly: true})
	must(t, err)
	b, s := made(t, l, backup.Options{})
	must(t, l.Close())
	after, err := os.ReadDir(dir)
	if err != nil || len(after) != len(before) || s.Author != crdt.AuthorOf(eventlogtest.Key("own")) {
		t.Errorf("the folder has %v, had %v; a backup of %s's, %v", after, before, s.Author, err)
	}
	r, _ := restored(t, config("own"), restore.Options{}, b)
	same(t, want, show(t, r))
}
