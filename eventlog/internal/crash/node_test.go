package crash

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/internal/sys"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/folder"
)

func (s *subject) node() folder.Folder { return folder.Folder(s.dir()) }

// keyPath is where the key of the node is kept that is no more.
func (s *subject) keyPath() string { return filepath.Join(s.folder, "kept.key") }

// nodeBackedUp leaves of a node nothing but a backup, and its key.
func nodeBackedUp(s *subject) {
	backedUp(s)
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	must(s, err)
	must(s, os.WriteFile(s.keyPath(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

// nodeFiles are in the backup of a node beside its log.
var nodeFiles = []backup.File{
	{Name: "peers.json", Data: []byte(`{"version":1,"peers":[]}`)},
	{Name: "quipu.yaml", Data: []byte("name: subject\nlog: " + genesis.Log().String() + "\n")},
	{Name: "secret.print", Data: []byte("open\n")},
}

// restoreNode makes the node again.
func (s *subject) restoreNode() error {
	b, err := os.ReadFile(s.keptPath())
	must(s, err)
	r := node.Restoration{Dir: s.dir(), KeyFile: s.keyPath()}
	if s.op.rekeys {
		r.KeyFile, r.NewKey = "", true
	} else {
		must(s, os.Chmod(s.keyPath(), 0o600)) // a copy of the folder has other modes
	}
	_, err = node.Restore(s.ctx, r, bytes.NewReader(b))
	return err
}

// openOrRestoreNode opens the log of the node, which is made again where it is not there: then nothing of it can be opened.
func (s *subject) openOrRestoreNode() {
	s.Helper()
	err := s.node().Check()
	if s.made = errors.Is(err, fs.ErrNotExist); s.made {
		if failed := s.node().CheckLog(); failed == nil {
			s.Errorf("there is no node, as %v, and its log is taken for one", err)
		}
		if err := s.restoreNode(); err != nil {
			s.Fatalf("restore again: %v", err)
		}
	} else if err != nil {
		s.Fatalf("the folder is neither a node nor none: %v", err)
	}
	s.key, err = s.node().ReadKey()
	must(s, err)
	s.open()
	release, err := s.node().Use()
	must(s, err)
	must(s, release())
}

// nodeIsWhole looks for each file of the node, and for others.
func (s *subject) nodeIsWhole() {
	s.Helper()
	for _, f := range nodeFiles {
		if b, err := os.ReadFile(filepath.Join(s.dir(), f.Name)); err != nil || !bytes.Equal(b, f.Data) {
			s.Errorf("%s holds %q, %v", f.Name, b, err)
		}
	}
	if left := strange(s, s.dir(), "peers.json", "quipu.db", "quipu.db.seen", "quipu.key", "quipu.yaml", "secret.print"); left != "" {
		s.Errorf("left in the folder: %s", left)
	}
}

// strange returns the names of what else is in a folder.
func strange(tb testing.TB, dir string, known ...string) string {
	tb.Helper()
	files, err := os.ReadDir(dir)
	must(tb, err)
	var left []string
	for _, f := range files {
		left = append(left, f.Name())
		for _, name := range known {
			if name == f.Name() {
				left = left[:len(left)-1]
			}
		}
	}
	return strings.Join(left, " ")
}

// TestWhatAKilledRestoreHasMovedIsTakenBack kills what puts the files of a node in place at each of its steps, where files can
// have two names and where not: the next restore finds what was there before, the secret that somebody had put there, and no
// other; or there is a node, with the secret that was restored.
func TestWhatAKilledRestoreHasMovedIsTakenBack(t *testing.T) {
	for _, links := range []bool{true, false} {
		for _, secret := range []string{"", "of somebody"} {
			for step, more := 0, true; more; step++ {
				more = putInPlaceUntil(t, links, secret, step)
			}
		}
	}
}

// putInPlaceUntil reports whether the process was there to be killed at a step.
func putInPlaceUntil(t *testing.T, links bool, secret string, last int) (killed bool) {
	t.Helper()
	at := fmt.Sprintf("links %v, secret %q, killed at step %d", links, secret, last)
	dir := t.TempDir()
	f := folder.Folder(dir)
	if secret != "" {
		must(t, os.WriteFile(f.Secret(), []byte(secret), 0o600))
	}
	stage, err := f.Stage()
	must(t, err)
	for _, name := range []string{"quipu.yaml", "peers.json", "secret.print", "secret", "quipu.db", "quipu.key"} {
		must(t, os.WriteFile(filepath.Join(string(stage.Folder()), name), []byte("restored "+name), 0o600))
	}
	steps := 0
	stop := sys.Watch(dir, func(c *sys.Call, do func() error) error {
		if c.Do == sys.ToLink && !links {
			return &os.LinkError{Op: "link", Old: c.Path, New: c.To, Err: syscall.EPERM}
		}
		if steps++; steps > last {
			return errDead
		}
		return do()
	})
	err = stage.Keep()
	killed = steps > last
	_ = stage.Drop()
	stop()
	if !killed {
		must(t, err)
	}
	if f.HasKey() {
		wantSecret(t, at, f, map[bool]string{true: "restored secret", false: secret}[secret == ""])
		release, err := f.Use()
		must(t, err)
		must(t, release())
		if left := strange(t, dir, "quipu.yaml", "peers.json", "secret.print", "secret", "quipu.db", "quipu.key"); left != "" {
			t.Errorf("%s: left beside a node: %s", at, left)
		}
		return killed
	}
	if err := f.CheckLog(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: a log without a node: %v", at, err)
	}
	next, err := f.Stage()
	if err != nil {
		t.Errorf("%s: the next one: %v", at, err)
		return killed
	}
	must(t, next.Drop())
	wantSecret(t, at, f, secret)
	if left := strange(t, dir, "secret"); left != "" {
		t.Errorf("%s: left: %s", at, left)
	}
	return killed
}

func wantSecret(t *testing.T, at string, f folder.Folder, want string) {
	t.Helper()
	b, err := os.ReadFile(f.Secret())
	if want == "" && !errors.Is(err, fs.ErrNotExist) || want != "" && string(b) != want {
		t.Errorf("%s: the secret is %q, %v; want %q", at, b, err, want)
	}
}

// asideIsPutBack looks for what a salvage has left that was killed where files have one name only.
func (s *subject) asideIsPutBack() {
	s.Helper()
	if left, err := filepath.Glob(s.log.Path() + ".[as]*"); err != nil || len(left) > 0 && (len(left) > 1 || filepath.Base(left[0]) != "quipu.db.seen") {
		s.Errorf("left: %v, %v", left, err)
	}
	if damaged, err := filepath.Glob(s.log.Path() + ".damaged-*"); err != nil || len(damaged) == 0 {
		s.Errorf("the damaged file is not kept: %v", err)
	}
}

// TestTwoRestoresAtOnce has a restore begin at the moment at which another has made its folder, and not locked it yet: one of
// the two makes the node, and the other says so.
func TestTwoRestoresAtOnce(t *testing.T) {
	dir := t.TempDir()
	f := folder.Folder(dir)
	var first, second *folder.Staging
	var failed error
	begun := false
	defer sys.Watch(dir, func(c *sys.Call, do func() error) error {
		err := do()
		if c.Do == sys.ToMake && !begun {
			begun = true
			second, failed = f.Stage()
		}
		return err
	})()
	first, err := f.Stage()
	if first != nil || err == nil || !strings.Contains(err.Error(), "restores a node in "+dir) {
		t.Errorf("the first one: %v, %v", first, err)
	}
	must(t, failed)
	if _, err := f.Stage(); err == nil || !strings.Contains(err.Error(), "restores a node in "+dir) {
		t.Errorf("a third one: %v", err)
	}
	if _, _, err := node.Init(node.Birth{Dir: dir}); err == nil || !strings.Contains(err.Error(), "restores a node in "+dir) {
		t.Errorf("an init: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(string(second.Folder()), "quipu.key"), []byte("the key"), 0o600))
	must(t, second.Keep())
	must(t, second.Drop())
	if left := strange(t, dir, "quipu.key"); left != "" || !f.HasKey() {
		t.Errorf("the second one has left %s", left)
	}
}

// TestARestoreTakesNothingAway: what is there of another node is neither replaced nor mixed with what is restored.
func TestARestoreTakesNothingAway(t *testing.T) {
	for _, name := range []string{"peers.json", "secret.print", "quipu.yaml", "quipu.db", "quipu.db.aside", "quipu.key"} {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("somebody's"), 0o600))
		if _, err := folder.Folder(dir).Stage(); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, name)) {
			t.Errorf("into a folder with %s: %v", name, err)
		}
		// What comes while it is restored is not replaced either.
		dir = t.TempDir()
		stage, err := folder.Folder(dir).Stage()
		must(t, err)
		for _, file := range []string{name, "quipu.key"} {
			must(t, os.WriteFile(filepath.Join(string(stage.Folder()), file), []byte("restored"), 0o600))
		}
		if name == "quipu.db.aside" {
			must(t, stage.Drop())
			continue
		}
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("somebody's"), 0o600))
		if err := stage.Keep(); !errors.Is(err, fs.ErrExist) {
			t.Errorf("over %s: %v", name, err)
		}
		must(t, stage.Drop())
		if b, err := os.ReadFile(filepath.Join(dir, name)); string(b) != "somebody's" || err != nil {
			t.Errorf("%s holds %q, %v", name, b, err)
		}
		if left := strange(t, dir, name); left != "" {
			t.Errorf("left: %s", left)
		}
	}
}
