package node

import (
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/node/folder"
)

// BackupFiles returns what of the node in dir belongs into a backup beside its log: its configuration, where members were,
// and the print of its secret. No key and no secret is among them. Spoilt is told of a list of members that is left out since
// it cannot be read.
func BackupFiles(dir string, spoilt func(error)) (all []backup.File, err error) {
	kept, err := folder.Folder(dir).Kept(spoilt)
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		all = append(all, backup.File{Name: name, Data: kept[name]})
	}
	return all, err
}

// kept is BackupFiles of a running node.
func (n *Node) kept() ([]backup.File, error) {
	return BackupFiles(string(n.folder), func(err error) { n.logger.Warn("left out of a backup", "err", err) })
}

// SealKey returns the key of the node in dir, whose author is known, and its cluster secret, if it lies in the folder,
// sealed by a passphrase. P opens the key where only that shows whose it is.
func SealKey(dir string, author crdt.Author, p folder.Passphrase, passphrase []byte) ([]byte, error) {
	return folder.Folder(dir).Seal(author, p, passphrase)
}
