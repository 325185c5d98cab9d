package whole

import (
	"os"
	"path/filepath"
	"regexp"

	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// A draft is what will be another file once it is whole. Its name is that of the other one, perhaps behind a dot, and goes on
// with what is to be done and a number that is drawn:
//
//	.peers.json.new-1234    .quipu.db.seen.new-1234    quipu.db.new-1234    quipu.db.compact-1234
//
// Whoever writes a draft has it locked. So one that nobody has locked was left by a process that was killed, and is removed:
// by the next one that writes the same file, and by the next one that has the folder to itself.
var draftForm = regexp.MustCompile(`^\.?(.+)\.(new|compact)-[0-9]+$`)

// RemoveDrafts removes from a folder the drafts, of the files whose names is accepts, that nobody writes any more. What cannot
// be removed stays.
func RemoveDrafts(dir string, is func(name string) bool) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, f := range files {
		if m := draftForm.FindStringSubmatch(f.Name()); m != nil && is(m[1]) && f.Type().IsRegular() {
			removeDraft(filepath.Join(dir, f.Name()), filepath.Join(dir, m[1]))
		}
	}
}

// removeDraft removes a draft of target, unless somebody writes it. One that has the name target already is no more than
// another name of that, whoever has it locked.
func removeDraft(path, target string) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	if sys.TryLock(file) != nil && !At(file, target) {
		return
	}
	if !sys.Locks {
		_ = file.Close() // where it cannot be locked it cannot be removed either while somebody has it open
	}
	_ = sys.Remove(path)
}

// draftTries is how often a draft is begun that somebody takes for one that was left, before it is locked.
const draftTries = 100

// createDraft makes a draft of the file at target, and locks it.
func createDraft(target string) (file *os.File, err error) {
	dir, base := filepath.Split(target)
	RemoveDrafts(filepath.Clean(dir), func(name string) bool { return name == base })
	for range draftTries {
		if file, err = sys.CreateTemp(filepath.Dir(target), "."+base+".new-*"); err != nil {
			return nil, err
		}
		// A file system without locks has nobody who would remove it for that.
		if locked := sys.TryLock(file); locked != sys.ErrLocked && At(file, file.Name()) {
			return file, nil
		}
		_ = file.Close()
	}
	return nil, sys.ErrLocked
}

// At reports whether a file is the one that has the name path.
func At(file *os.File, path string) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	here, err := file.Stat()
	return err == nil && os.SameFile(here, there)
}
