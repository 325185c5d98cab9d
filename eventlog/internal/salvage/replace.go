package salvage

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/whole"
)

// checkRoom returns an error of [syscall.ENOSPC] where a copy of what is in use would not fit beside the file. Where
// nobody can tell it returns nil.
func (s *salvage) checkRoom() error {
	need := uint64(s.From.InUse())
	free, err := whole.Free(filepath.Dir(s.From.Path()))
	if err != nil || free >= need {
		return nil
	}
	return fmt.Errorf("the new file beside it may need %d bytes, and %d are free: %w", need, free, syscall.ENOSPC)
}

// replace puts the new file in the place of the damaged one, which gets a name that says since when.
//
// A crash leaves the damaged file in its place, perhaps with its second name and with the new file beside it, which the
// next salvage removes; or the new one in its place.
func (s *salvage) replace(with string) error {
	path := s.From.Path()
	for _, step := range []func() error{
		func() error { return whole.Inherit(with, path, 0o600) },
		s.keep,
		func() error { return whole.SyncFolder(filepath.Dir(path)) },
		func() error { return s.From.Replace(with) },
		func() error { return whole.SyncFolder(filepath.Dir(path)) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// keep gives the damaged file its name: that of another one of the same moment goes on with a number.
func (s *salvage) keep() (err error) {
	name := disk.DamagedName(s.From.Path(), s.Now)
	for n := 1; n == 1 || errors.Is(err, fs.ErrExist); n++ {
		if s.report.Damaged = name; n > 1 {
			s.report.Damaged = fmt.Sprintf("%s-%d", name, n)
		}
		err = s.From.Keep(s.report.Damaged)
	}
	return err
}
