package backup_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/restore"
)

// unsealed returns the blocks of a backup without their sums: kind (1) ‖ length (4) ‖ payload each.
func unsealed(b []byte) (blocks []byte) {
	at := starts(b)
	for i := range len(at) - 1 {
		blocks = append(blocks, b[at[i]:at[i+1]-sha256.Size]...)
	}
	return blocks
}

// sealed returns a backup of blocks, with the sums that they have: what somebody can make who alters one with intent.
func sealed(blocks []byte) []byte {
	b := []byte("quipu backup 1\n")
	sum := sha256.Sum256(b)
	for len(blocks) >= 5 {
		n := min(5+int(binary.BigEndian.Uint32(blocks[1:])), len(blocks))
		sum = sha256.Sum256(append(sum[:], blocks[:n]...))
		b = append(append(b, blocks[:n]...), sum[:]...)
		blocks = blocks[n:]
	}
	return b
}

// FuzzReader reads backups whose blocks are anything at all, under sums that are right. What Check passes or Restore makes
// does not depend on luck: nothing panics, each refusal is a [backup.BrokenError], and what was restored opens, or says
// that it is damaged.
func FuzzReader(f *testing.F) {
	l := tangled(f)
	first, s := made(f, l, backup.Options{Key: []byte("sealed"), Files: []backup.File{{Name: "a", Data: []byte("b")}}})
	eventlogtest.Add(f, l, 2, crdt.Trimmable)
	second, _ := made(f, l, backup.Options{Since: &s})
	empty, _ := made(f, eventlogtest.OpenAs(f, "empty"), backup.Options{})
	for _, b := range [][]byte{first, second, empty} {
		f.Add(unsealed(b))
		f.Add(unsealed(b)[:len(b)/2])
	}
	cfg := config("own")
	f.Fuzz(func(t *testing.T, blocks []byte) {
		b := sealed(blocks)
		_, err := backup.Check(t.Context(), bytes.NewReader(b), nil)
		refused := func(err error) bool {
			_, ok := errors.AsType[*backup.BrokenError](err)
			if err != nil && !ok {
				t.Fatalf("refused with %v", err)
			}
			return ok
		}
		checked := !refused(err)
		if _, err := backup.ReadSummary(bytes.NewReader(b)); checked && err != nil {
			t.Fatalf("checked, and its summary: %v", err)
		}
		dir := t.TempDir()
		_, err = restore.Into(t.Context(), dir, restore.Options{}, bytes.NewReader(b))
		if refused(err) {
			if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
				t.Fatalf("refused, and the folder has %v, %v", files, err)
			}
			return
		}
		r, err := eventlog.Open(dir, cfg)
		if err == nil {
			_, err = r.Verify(t.Context())
			if err = errors.Join(err, r.Close()); err != nil {
				t.Fatalf("verify and close: %v", err)
			}
			return
		}
		if _, damaged := errors.AsType[*eventlog.DamagedError](err); !damaged && !errors.Is(err, eventlog.ErrWrongKey) {
			t.Fatalf("open: %v", err)
		}
	})
}
