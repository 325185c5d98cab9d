//go:build unix

package eventlog_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// TestCompactThroughALinkWritesAtItsTarget is about a log that lies on another disk, with a link to it in
// its folder: a compaction that replaced the link would leave the log where nobody looks for it, and the
// copy on the disk without room. A log in a folder with a link to it, or whose name is a pattern, is no
// different.
func TestCompactThroughALinkWritesAtItsTarget(t *testing.T) {
	for name, arrange := range map[string]func(t *testing.T, dir string) (linked string){
		"file": func(t *testing.T, dir string) string {
			linked := filepath.Join(dir, "linked")
			must(t, os.Mkdir(linked, 0o700))
			must(t, os.Symlink("../on [disk]/quipu.db", filepath.Join(linked, "quipu.db")))
			return linked
		},
		"folder": func(t *testing.T, dir string) string {
			must(t, os.Symlink("on [disk]", filepath.Join(dir, "linked")))
			return filepath.Join(dir, "linked")
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			disk := filepath.Join(dir, "on [disk]")
			key, genesis := eventlogtest.Key("a"), eventlogtest.Genesis(t)
			log, err := eventlog.Create(disk, eventlog.Birth{Genesis: &genesis}, eventlog.Config{Key: key})
			must(t, err)
			must(t, log.Close())
			must(t, os.Chmod(filepath.Join(disk, "quipu.db"), 0o640))
			must(t, os.WriteFile(filepath.Join(disk, "quipu.db.compact-1"), nil, 0o600))

			linked := arrange(t, dir)
			before, err := os.Lstat(filepath.Join(disk, "quipu.db"))
			must(t, err)
			log, err = eventlog.Open(linked, eventlog.Config{Key: key})
			must(t, err)
			mustAppend(t, log, "before")
			if _, err := log.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustAppend(t, log, "after")
			must(t, log.Close())

			after, err := os.Lstat(filepath.Join(disk, "quipu.db"))
			must(t, err)
			if os.SameFile(before, after) || after.Mode() != 0o640 {
				t.Errorf("the file on the disk was not replaced by one of its mode: %v", after.Mode())
			}
			for _, d := range []string{disk, linked} {
				if stat, err := os.Lstat(filepath.Join(d, "quipu.db")); err != nil || name == "file" && (stat.Mode()&fs.ModeSymlink != 0) != (d == linked) {
					t.Errorf("in %s lies %v, %v", d, stat, err)
				}
				want := []string{"quipu.db", "quipu.db.seen"}
				if name == "file" && d == linked {
					want = want[:1]
				}
				if got := names(t, d); !slices.Equal(got, want) {
					t.Errorf("in %s lie %q, want %q", d, got, want)
				}
			}
			log, err = eventlog.Open(disk, eventlog.Config{Key: key})
			must(t, err)
			defer log.Close()
			if next := log.Stats().Next; next != 2 {
				t.Errorf("the log on the disk ends at %d", next)
			}
		})
	}
}
