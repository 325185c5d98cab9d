package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quipulog/quipu/eventlog/whole"
)

// kept are the files of a folder that belong into a backup beside the log, and may be read by whoever has it: what the node
// is told to do, where members were, and that it has used a secret, by its print.
func (f Folder) kept() []*part {
	return []*part{
		{path: f.Config(), noun: "configuration file", expect: "the configuration of this node", most: maxConfig},
		{path: f.Peers(), noun: "list of peers", expect: "the peers of earlier runs", most: maxPeersFile},
		{path: f.secretPrint(), noun: "print of the secret", expect: "the print of the secret that this node used last", most: 64},
	}
}

// Kept returns the files that belong into a backup beside the log, by their names. What is not there is left out, and so is a
// list of peers that cannot be read, which a daemon does without, too: spoilt is told of that.
func (f Folder) Kept(spoilt func(error)) (map[string][]byte, error) {
	all := make(map[string][]byte)
	for _, p := range f.kept() {
		b, err := p.read()
		switch {
		case err == nil:
			all[filepath.Base(p.path)] = b
		case p.path == f.Peers() && !errors.Is(err, fs.ErrNotExist):
			spoilt(err)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("back up: %w", err)
		}
	}
	return all, nil
}

// PutKept writes a file that [Folder.Kept] has returned, mode 0600, and reports whether it is one.
func (f Folder) PutKept(name string, b []byte) (bool, error) {
	for _, p := range f.kept() {
		if filepath.Base(p.path) == name && len(b) <= p.most {
			return true, whole.Write(p.path, b, 0o600)
		}
	}
	return false, nil
}

// Has reports whether what path names is a file of the folder's, which is not to be replaced by anything: all but backups that
// somebody keeps there.
func (f Folder) Has(path string) bool {
	dir, err := os.Stat(string(f))
	in, failed := os.Stat(filepath.Dir(path))
	return err == nil && failed == nil && os.SameFile(dir, in) && f.isPart(filepath.Base(path))
}

// isPart reports whether name is that of a file of the folder's.
func (f Folder) isPart(name string) bool {
	own := []string{filepath.Base(f.Peers()), filepath.Base(f.Tokens()), ticketKey}
	return strings.HasPrefix(name, "quipu.") || strings.HasPrefix(name, "secret") || slices.Contains(own, name)
}

// IsConfig reports whether name is that of the configuration.
func (f Folder) IsConfig(name string) bool { return filepath.Base(f.Config()) == name }

// PutSecret writes the text of a secret's file that [Unseal] has returned, mode 0600.
func (f Folder) PutSecret(text []byte) error {
	secret, err := ParseSecret("the sealed secret", text)
	if err != nil {
		return err
	}
	return f.WriteSecret(secret)
}
