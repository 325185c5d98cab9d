package folder

import (
	"errors"
	"io/fs"
	"os"

	"github.com/quipulog/quipu/eventlog/whole"
)

// Room returns how many bytes the log's file could have: what it has, and what its disk has free for this
// user. It returns [errors.ErrUnsupported] where that cannot be told.
func (f Folder) Room() (uint64, error) {
	free, err := whole.Free(string(f))
	if err != nil {
		return 0, err
	}
	file, err := os.Stat(f.Log())
	if errors.Is(err, fs.ErrNotExist) {
		return free, nil
	}
	if err != nil {
		return 0, err
	}
	return free + uint64(file.Size()), nil
}
