package backup_test

import (
	"bytes"
	"encoding/binary"
	"errors"
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

// starts returns where each block of a backup starts, and behind them where it ends.
func starts(b []byte) (all []int) {
	at := bytes.IndexByte(b, '\n') + 1
	for ; at < len(b); at += 5 + int(binary.BigEndian.Uint32(b[at+1:])) + 32 {
		all = append(all, at)
	}
	return append(all, at)
}

// wantBroken fails the test unless err names a place in a backup.
func wantBroken(t *testing.T, about string, err, want error, at int) {
	t.Helper()
	broken, ok := errors.AsType[*backup.BrokenError](err)
	if !ok || !errors.Is(err, want) || at >= 0 && broken.At != int64(at) || broken.Name == "" {
		t.Fatalf("%s: %v, want %v at byte %d", about, err, want, at)
	}
}

// wantRefused fails the test unless backups are refused and nothing is left of the folder.
func wantRefused(t *testing.T, about string, want error, at int, backups ...[]byte) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new")
	_, err := restore.Into(t.Context(), dir, restore.Options{}, readers(backups)...)
	wantBroken(t, about, err, want, at)
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: the folder is there: %v", about, err)
	}
}

// TestEachFlipIsNamed: by the block that it is in, wherever it is, and nothing is restored.
func TestEachFlipIsNamed(t *testing.T) {
	b, _ := made(t, tangled(t), backup.Options{Key: []byte("sealed")})
	blocks := starts(b)
	if len(blocks) < 6 {
		t.Fatalf("%d blocks", len(blocks))
	}
	block := -1
	for i := range b {
		flipped := bytes.Clone(b)
		flipped[i] ^= 1 << (i % 8)
		_, err := backup.Check(t.Context(), bytes.NewReader(flipped), nil)
		begins := i == 0
		if block+1 < len(blocks) && i == blocks[block+1] {
			block, begins = block+1, true
		}
		want, at := backup.ErrAltered, 0
		switch {
		case block >= 0:
			at = blocks[block]
			if i > at && i < at+5 && errors.Is(err, backup.ErrCut) { // a length that is longer than what is there
				want = backup.ErrCut
			}
		case i >= len("quipu backup "):
			want = backup.ErrVersion
		default:
			want = backup.ErrNotBackup
		}
		wantBroken(t, "a flip", err, want, at)
		if begins {
			wantRefused(t, "a flip", want, at, flipped)
		}
	}
}

// TestEachCutIsNamed: by the block that is not whole.
func TestEachCutIsNamed(t *testing.T) {
	b, _ := made(t, tangled(t), backup.Options{})
	blocks, block := starts(b), 0
	for n := range b {
		_, err := backup.Check(t.Context(), bytes.NewReader(b[:n]), nil)
		for block+1 < len(blocks) && blocks[block+1] <= n {
			block++
		}
		switch {
		case n == 0:
			wantBroken(t, "nothing", err, backup.ErrNotBackup, 0)
		case n < blocks[0]:
			wantBroken(t, "less than the first line", err, backup.ErrCut, 0)
		default:
			wantBroken(t, "a cut", err, backup.ErrCut, blocks[block])
		}
		if n >= blocks[0] {
			s, err := backup.ReadSummary(bytes.NewReader(b[:n]))
			wantBroken(t, "the summary of a cut one", err, backup.ErrCut, -1)
			if s.ID != (backup.ID{}) {
				t.Errorf("cut to %d bytes it is %s", n, s.ID)
			}
		}
		if n == blocks[block] {
			wantRefused(t, "a cut", backup.ErrCut, n, b[:n])
		}
	}
	wantRefused(t, "more than a backup", backup.ErrAltered, len(b), append(bytes.Clone(b), 0))
}

// TestBlocksStandWhereTheyStood: a block that is gone, or is that of another backup, is named.
func TestBlocksStandWhereTheyStood(t *testing.T) {
	l := tangled(t)
	b, _ := made(t, l, backup.Options{})
	other, _ := made(t, l, backup.Options{}) // at another time
	at, there := starts(b), starts(other)
	for i := range len(at) - 1 {
		if i < len(at)-2 {
			without := append(bytes.Clone(b[:at[i]]), b[at[i+1]:]...)
			wantRefused(t, "without a block", backup.ErrAltered, at[i], without)
		}
		if i > 0 {
			mixed := append(bytes.Clone(b[:at[i]]), other[there[i]:]...)
			wantRefused(t, "with those of another", backup.ErrAltered, at[i], mixed)
		}
	}
}

// TestChainsAreHeld: backups are restored in the order in which they were made, from the first on, and none of another log
// among them.
func TestChainsAreHeld(t *testing.T) {
	l := tangled(t)
	first, one := made(t, l, backup.Options{})
	eventlogtest.Add(t, l, 2, crdt.Persistent)
	second, two := made(t, l, backup.Options{Since: &one})
	eventlogtest.Add(t, l, 2, crdt.Persistent)
	third, _ := made(t, l, backup.Options{Since: &two})
	again, _ := made(t, l, backup.Options{})
	for about, chain := range map[string][][]byte{
		"no first":      {second, third},
		"a hole":        {first, third},
		"back to front": {second, first},
		"two firsts":    {first, again},
		"one twice":     {first, second, second},
		"another first": {again, second},
	} {
		wantRefused(t, about, backup.ErrChain, -1, chain...)
	}
	foreign := eventlogtest.Create(t, t.TempDir(), config("own"))
	eventlogtest.Add(t, foreign, 30, crdt.Persistent)
	if _, err := foreign.Backup(t.Context(), io.Discard, backup.Options{Since: &one}); !errors.Is(err, eventlog.ErrNotSince) {
		t.Errorf("since the backup of a log with other arrivals: %v", err)
	}
}

// TestFoldersStay: one that is not empty is not restored into, but for what an interrupted restore has left there.
func TestFoldersStay(t *testing.T) {
	b, _ := made(t, tangled(t), backup.Options{})
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "quipu.db.new-1234"), []byte("left over"), 0o600))
	_, err := restore.Into(t.Context(), dir, restore.Options{}, bytes.NewReader(b))
	must(t, err)
	before, err := os.ReadFile(filepath.Join(dir, "quipu.db"))
	must(t, err)
	if _, err := restore.Into(t.Context(), dir, restore.Options{}, bytes.NewReader(b)); !errors.Is(err, restore.ErrNotEmpty) {
		t.Errorf("restore into a folder with a log: %v", err)
	}
	files, err := os.ReadDir(dir)
	must(t, err)
	if after, err := os.ReadFile(filepath.Join(dir, "quipu.db")); err != nil || !bytes.Equal(before, after) || len(files) != 1 {
		t.Errorf("the folder has %v, %v", files, err)
	}
}
