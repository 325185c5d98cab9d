package folder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/eventlog/whole"
)

// WritePage replaces the file that leads a browser to the page of the node, mode 0600, and returns its absolute path.
func (f Folder) WritePage(b []byte) (path string, err error) {
	if path, err = filepath.Abs(f.path("page.html")); err != nil {
		return "", err
	}
	if err = os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // whose mode, or what it leads to, would stay
		return "", err
	}
	return path, whole.Write(path, b, 0o600)
}
