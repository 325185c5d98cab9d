package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/folder"
)

// leftovers are all names that whoever is killed can leave in a node's folder and that nobody needs then.
var leftovers = []string{
	"quipu.db.new-1", "quipu.db.compact-1", "quipu.db.salvaged", "quipu.db.salvaged.new-1", "quipu.db.room", ".quipu.db.seen.new-1",
	".quipu.key.new-1", ".quipu.key.new.new-1", ".quipu.key.former-0011223344556677.new-1", ".quipu.yaml.new-1", ".peers.json.new-1",
	".secret.new-1", ".secret.print.new-1", ".tokens.json.new-1", ".tickets.key.new-1", ".quipu.sock.path.new-1", "quipu.restoring/quipu.db", "quipu.restoring/.quipu.key.new-1",
}

// kept are names that look like it, and are somebody's.
var kept = []string{
	"quipu.key.new", "quipu.key.former-0011223344556677", "quipu.db.damaged-20260102T150405Z", "monday.backup", ".monday.backup.new-1",
	"notes.new-1", "quipu.db.copy", "peers.json.broken",
}

// TestWhatIsLeftIsRemovedByTheNextOwner puts each of those names into a folder: whoever has the log next removes them, but what
// somebody writes.
func TestWhatIsLeftIsRemovedByTheNextOwner(t *testing.T) {
	f := folder.Folder(t.TempDir())
	at := func(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }
	key := newKey(t)
	l, err := eventlog.Create(string(f), eventlog.Birth{Genesis: new(eventlogtest.Genesis(t))}, eventlog.Config{Key: key})
	must(t, err)
	must(t, errors.Join(l.Close(), f.WriteKey(key), os.Mkdir(at("quipu.restoring"), 0o700)))
	for _, name := range append(leftovers, kept...) {
		must(t, os.WriteFile(at(name), []byte("x"), 0o600))
	}
	if l, err = eventlog.Open(string(f), eventlog.Config{Key: key}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	release, err := f.Use()
	must(t, err)
	for _, name := range append(leftovers, "quipu.restoring") {
		if _, err := os.Lstat(at(name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
	for _, name := range kept {
		if _, err := os.Lstat(at(name)); err != nil {
			t.Errorf("%s is gone: %v", name, err)
		}
	}
	must(t, release())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
