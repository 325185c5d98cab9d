package backup_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/restore"
)

// BenchmarkAgainstCp makes, checks and restores a backup of 500,000 entries, written in large ops, or of 20,000 written
// alone, into and out of files that are synced, and copies the log's file as cp does. MB/s are of the log's file.
func BenchmarkAgainstCp(b *testing.B) {
	for _, c := range []struct {
		name          string
		batches, each int
	}{{"large ops", 125, 4000}, {"small ops", 20_000, 1}} {
		dir := b.TempDir()
		l := eventlogtest.Create(b, filepath.Join(dir, "log"), eventlog.Config{Key: eventlogtest.Key("own")})
		batch := make([]crdt.Event, c.each)
		ctx := b.Context()
		for i := range c.batches {
			for k := range batch {
				batch[k] = crdt.Event{Kind: "measured", Subject: fmt.Sprint("s", k%100), ContentType: "text/plain", Payload: fmt.Appendf(nil, "%0160d", i+k)}
			}
			_, err := l.AppendBatch(ctx, batch)
			must(b, err)
		}
		bytes := l.Stats().Bytes
		file := filepath.Join(dir, "backup")
		synced := func(path string, from func(w io.Writer) error) {
			f, err := os.Create(path)
			must(b, err)
			must(b, from(f))
			must(b, f.Sync())
			must(b, f.Close())
		}
		run := func(what string, do func(i int)) {
			b.Run(c.name+"/"+what, func(b *testing.B) {
				b.SetBytes(bytes)
				for i := 0; b.Loop(); i++ {
					do(i)
				}
			})
		}
		run("cp", func(int) {
			synced(filepath.Join(dir, "copy"), func(w io.Writer) error {
				f, err := os.Open(l.Path())
				must(b, err)
				defer f.Close()
				_, err = io.Copy(w, f)
				return err
			})
		})
		run("backup", func(int) {
			synced(file, func(w io.Writer) error {
				_, err := l.Backup(ctx, w, backup.Options{})
				return err
			})
		})
		open := func(do func(f *os.File)) {
			f, err := os.Open(file)
			must(b, err)
			defer f.Close()
			do(f)
		}
		run("check", func(int) {
			open(func(f *os.File) {
				_, err := backup.Check(ctx, f, nil)
				must(b, err)
			})
		})
		run("restore", func(i int) {
			open(func(f *os.File) {
				to := filepath.Join(dir, fmt.Sprint("new", i))
				_, err := restore.Into(ctx, to, restore.Options{}, f)
				must(b, err)
				must(b, os.RemoveAll(to))
			})
		})
	}
}
