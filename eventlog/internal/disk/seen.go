package disk

import (
	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// Identity returns what the file is on its file system, and where that is.
func (f *File) Identity() (is identity.Identity, err error) {
	f.swapping.RLock()
	defer f.swapping.RUnlock()
	if f.file == nil {
		return is, ErrNotOpen
	}
	return identity.Of(f.file)
}

// MarkSeen makes durable what the file holds, and leaves a mark beside it that it holds transaction tx. Where the mark
// says so already nothing is done. What is visible of a file whose last sync failed is not marked.
func (f *File) MarkSeen(tx int64) error {
	is, err := f.Identity()
	if err != nil || is.Inode == 0 || f.witness().Says(is, uint64(tx)) || f.Unsynced() {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.witness().Write(is, uint64(tx))
}

// Older says in words how the file, which holds transaction tx, is older than its mark says, which is what a copy
// that was written into it leaves; "" where it is not, or nothing can be told.
func (f *File) Older(tx int64) string {
	is, err := f.Identity()
	if err != nil {
		return ""
	}
	return f.witness().Older(is, uint64(tx))
}

func (f *File) witness() identity.Witness { return identity.WitnessOf(f.path) }
