package disk

import (
	"errors"

	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// Identity returns what the file is on its file system, and where that is.
func (f *File) Identity() (is identity.Identity, err error) {
	if f.onlooks {
		return identityOf(f.path)
	}
	f.swapping.RLock()
	defer f.swapping.RUnlock()
	if f.file == nil {
		return is, ErrNotOpen
	}
	return identity.Of(f.file)
}

// MarkSeen leaves a mark beside the file that it holds transaction tx, which is on disk. Where the mark says so already
// nothing is done. What is visible of a file whose last sync failed is not marked.
func (f *File) MarkSeen(tx int64) error {
	is, err := f.Identity()
	if err != nil || f.onlooks || is.Inode == 0 || f.witness().Says(is, uint64(tx)) || f.Unsynced() {
		return err
	}
	return f.witness().Write(is, uint64(tx))
}

// Seen reports whether the mark beside the file says that transaction tx is on disk.
func (f *File) Seen(tx int64) bool {
	is, err := f.Identity()
	return err == nil && f.witness().Says(is, uint64(tx))
}

// SyncUnseen makes durable what is visible of a file that was just opened, unless its mark says that transaction tx,
// the last one, is: a process that was killed may have left it to the kernel. When that fails the file is marked as
// unsynced: the system tells of it once.
func (f *File) SyncUnseen(tx int64) error {
	if f.Seen(tx) {
		return nil
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.MarkUnsynced())
	}
	return nil
}

// Older says in words how the file, whose [File.Identity] is is and which holds transaction tx, is older than its mark
// says, which is what a copy that was written into it leaves; "" where it is not, or nothing can be told.
func (f *File) Older(is identity.Identity, tx int64) string {
	return f.witness().Older(is, uint64(tx))
}

func (f *File) witness() identity.Witness { return identity.WitnessOf(f.path) }
