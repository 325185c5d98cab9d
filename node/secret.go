package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/quipulog/quipu/node/folder"
)

// secretSize is the length of a cluster secret in bytes.
const secretSize = 32

// ErrNoSecret is returned by [New] for a node that is to join others and has no secret: one that it made
// would be another than theirs.
var ErrNoSecret = errors.New("no secret to join others with")

// secret is what a node proves to others that it is one of them; no bytes for none.
type secret struct {
	bytes []byte
	from  string // where it is from, for messages
}

// givenSecret returns the secret that was asked for: by the program, else the folder's own. Found is false
// where there is neither.
func givenSecret(f folder.Folder, bytes []byte, from string, open bool) (s secret, found bool, err error) {
	switch {
	case bytes != nil && open:
		return s, false, errors.New("config: Secret is given and Open is true: expected one of the two")
	case bytes != nil:
		return secret{bytes, from}, true, nil
	case open:
		return secret{from: "none, because of --open"}, true, nil
	}
	bytes, err = folder.ReadSecret(f.Secret())
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, lostSecret(f, err)
	}
	return folderSecret(f, bytes), true, err
}

func folderSecret(f folder.Folder, bytes []byte) secret {
	return secret{bytes, f.Secret() + ", which is used where no --secret-file is given"}
}

// lostSecret returns the error of reading the folder's own secret if the node cannot have begun without
// one.
func lostSecret(f folder.Folder, missing error) error {
	last, err := f.LastSecret()
	if err != nil {
		return err
	}
	if last == "" || last == folder.Open {
		return nil
	}
	return fmt.Errorf("%w; or give it with --secret-file: this node ran last with a secret (print %s), and does not make another one in its place",
		missing, last)
}

// chooseSecret returns the secret that the node runs with, which it makes when it is the first one that it
// needs. That it is another than at the last run is logged. The caller holds the log's lock.
func (n *Node) chooseSecret() (secret, error) {
	s, found, err := givenSecret(n.folder, n.cfg.Secret, n.cfg.SecretFrom, n.cfg.Open)
	if err != nil {
		return s, fmt.Errorf("start: %w", err)
	}
	if !found {
		if s, err = n.makeSecret(); err != nil {
			return s, fmt.Errorf("start: %w", err)
		}
	}
	noteSecret(n.folder, s, n.logger)
	return s, nil
}

// makeSecret makes the folder's own secret.
func (n *Node) makeSecret() (secret, error) {
	if len(n.cfg.Join) > 0 {
		return secret{}, fmt.Errorf("%w: the nodes at %s have a cluster secret, and one made here would be another. Give theirs with --secret-file "+
			"(on this machine: the file secret in the folder of the node there), or --open if they are open", ErrNoSecret, n.cfg.Join[0])
	}
	bytes := make([]byte, secretSize)
	_, _ = rand.Read(bytes) // never fails, see crypto/rand
	if err := n.folder.WriteSecret(bytes); err != nil {
		return secret{}, err
	}
	n.logger.Info("made a cluster secret: whoever has it can read and write the log; other nodes take it with --secret-file", "path", n.folder.Secret())
	return folderSecret(n.folder, bytes), nil
}

// noteSecret says when a secret is another than that of the last run, and takes note of it.
func noteSecret(f folder.Folder, s secret, logger *slog.Logger) {
	last, err := f.LastSecret()
	now := folder.PrintOf(s.bytes)
	switch {
	case err != nil:
		logger.Warn("cannot tell whether the secret is that of the last run", "err", err)
	case last == now:
		return
	case last != "":
		logger.Warn("the secret is another than at the last run: nodes that have that one are not reached any more", "last", last, "now", now, "from", s.from)
	}
	if err := f.NoteSecret(now); err != nil {
		logger.Warn("the next run cannot tell whether the secret is that of this one", "err", err)
	}
}
