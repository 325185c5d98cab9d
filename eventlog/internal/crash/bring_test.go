package crash

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/restore"
	"github.com/quipulog/quipu/eventlog/whole"
)

// backUp writes a backup into the log's folder.
func (s *subject) backUp() error {
	file, err := whole.Create(s.backupPath(), 0o600)
	if err != nil {
		return err
	}
	if _, err = s.log.Backup(s.ctx, file, backup.Options{TempDir: s.dir(), Files: nodeFiles}); err == nil {
		err = file.Keep()
	}
	return errors.Join(err, file.Drop())
}

func (s *subject) backupPath() string { return filepath.Join(s.dir(), "all.backup") }

// foundBackup says whether there is a backup, which then is whole.
func (s *subject) foundBackup() string {
	file, err := os.Open(s.backupPath())
	if errors.Is(err, fs.ErrNotExist) {
		return none
	}
	must(s, err)
	defer file.Close()
	sum, err := backup.Check(context.Background(), file, nil)
	if err != nil || !sum.Whole() {
		s.Errorf("the backup that is there: %+v, %v", sum, err)
	}
	return all
}

// backedUp leaves of a log nothing but a backup, beside its folder.
func backedUp(s *subject) {
	usual(s)
	must(s, s.backUp())
	must(s, s.log.Close())
	s.log = nil
	must(s, os.Rename(s.backupPath(), s.keptPath()))
	files, err := os.ReadDir(s.dir())
	must(s, err)
	for _, f := range files {
		must(s, os.Remove(filepath.Join(s.dir(), f.Name())))
	}
}

// keptPath is where the backup of a log is that is no more.
func (s *subject) keptPath() string { return filepath.Join(s.folder, "kept.backup") }

// restore makes the log again, that of the new key where the operation is about one.
func (s *subject) restore() error {
	b, err := os.ReadFile(s.keptPath())
	must(s, err)
	var o restore.Options
	if s.op.rekeys {
		o.Key = newKey
	}
	_, err = restore.Into(s.ctx, s.dir(), o, bytes.NewReader(b))
	return err
}

// openOrRestore opens the log, which is made again where it is not there.
func (s *subject) openOrRestore() {
	s.Helper()
	if s.op.rekeys {
		s.key = newKey
	}
	_, err := os.Lstat(filepath.Join(s.dir(), "quipu.db"))
	if s.made = errors.Is(err, fs.ErrNotExist); s.made {
		if err := s.restore(); err != nil {
			s.Fatalf("restore again: %v", err)
		}
	}
	s.open()
}

// damaged spoils the list of free pages of a log's file: it cannot be opened, and all that it holds can be read.
func damaged(s *subject) {
	path := filepath.Join(s.dir(), "quipu.db")
	b, err := os.ReadFile(path)
	must(s, err)
	spoiled := 0
	const page, isFree = 4096, 0x10
	for at := 2 * page; at+page <= len(b); at += page {
		if b[at+8] == isFree && b[at+9] == 0 {
			clear(b[at : at+page])
			spoiled++
		}
	}
	must(s, os.WriteFile(path, b, 0o600))
	if _, err := eventlog.Open(s.dir(), s.config()); !errors.As(err, new(*eventlog.DamagedError)) {
		s.Fatalf("with %d lists of free pages spoiled: %v", spoiled, err)
	}
}

func (s *subject) salvage() error {
	_, err := eventlog.Salvage(s.ctx, s.dir(), s.config(), nil)
	return err
}

func (s *subject) foundSalvaged() string {
	if s.made {
		return none
	}
	return all
}

// openOrSalvage opens the log, which is salvaged where it still cannot be opened.
func (s *subject) openOrSalvage() {
	s.Helper()
	err := s.reopened()
	if s.made = errors.As(err, new(*eventlog.DamagedError)); s.made {
		if err := s.salvage(); err != nil {
			s.Fatalf("salvage again: %v", err)
		}
		err = s.reopened()
	}
	must(s, err)
	s.openPeer()
}
