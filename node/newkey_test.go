package node_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/keyform"
)

// rekeyed is a node with an entry, which gets a new key.
type rekeyed struct {
	folder.Folder
	t      *testing.T
	old    []byte // the text of its key file
	key    ed25519.PrivateKey
	former crdt.Author
}

func newRekeyed(t *testing.T) *rekeyed {
	t.Helper()
	dir, _ := newNode(t, crdt.LogID{})
	appendLine(t, dir, `{"kind":"k"}`)
	r := &rekeyed{Folder: folder.Folder(dir), t: t}
	var err error
	if r.old, err = os.ReadFile(r.Key()); err == nil {
		r.key, err = r.ReadKey()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.former = crdt.AuthorOf(r.key)
	return r
}

// wantNew wants the node to write with the key of an author, and the old key to be kept, and nothing to be left over.
func (r *rekeyed) wantNew(author crdt.Author) {
	r.t.Helper()
	key, err := r.ReadKey()
	if err != nil || crdt.AuthorOf(key) != author {
		r.t.Fatalf("the node's key is that of %s, %v; want %s", crdt.AuthorOf(key), err, author)
	}
	for path, want := range map[string][]byte{r.Key(): nil, r.FormerKey(r.former): r.old} {
		text, err := os.ReadFile(path)
		if err != nil || want != nil && !bytes.Equal(text, want) {
			r.t.Errorf("%s: %d bytes, %v", path, len(text), err)
		}
		if stat, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || stat.Mode().Perm() != 0o600) {
			r.t.Errorf("%s: mode %v, %v", path, stat.Mode(), err)
		}
	}
	r.wantNothingLeft()
	places := appendLine(r.t, string(r.Folder), `{"kind":"k"}`)
	if places[0].Author != author || places[0].Seq == 0 {
		r.t.Errorf("appended as %v, want one of %s behind the entry that begins the feed", places[0], author)
	}
	verify(r.t, string(r.Folder))
}

// wantOld wants the node to be what it was.
func (r *rekeyed) wantOld() {
	r.t.Helper()
	if places := appendLine(r.t, string(r.Folder), `{"kind":"k"}`); places[0].Author != r.former {
		r.t.Errorf("appended as %v, want %s", places[0], r.former)
	}
	if text, err := os.ReadFile(r.Key()); err != nil || !bytes.Equal(text, r.old) {
		r.t.Errorf("the key file is another: %v", err)
	}
	r.wantNothingLeft()
}

func (r *rekeyed) wantNothingLeft() {
	r.t.Helper()
	if _, err := os.Lstat(r.Key() + ".new"); !errors.Is(err, fs.ErrNotExist) {
		r.t.Errorf("the new key is left beside the node's: %v", err)
	}
}

func TestNewKey(t *testing.T) {
	r := newRekeyed(t)
	done, err := node.NewKey(string(r.Folder), node.Access{})
	if err != nil || done.Former != r.former || done.Author == r.former || done.FormerKey != r.FormerKey(r.former) {
		t.Fatalf("%+v, %v", done, err)
	}
	r.wantNew(done.Author)
	again, err := node.NewKey(string(r.Folder), node.Access{})
	if err != nil || again.Former != done.Author {
		t.Errorf("%+v, %v", again, err)
	}
	r.wantNew(again.Author)
	run(t, node.Config{Dir: string(r.Folder)}).stop()
}

// killed does what a NewKey does up to a step, and returns the author of the new key.
func (r *rekeyed) killed(step int) crdt.Author {
	r.t.Helper()
	key, text, err := r.MakeNewKey(folder.Passphrase{})
	if err == nil {
		err = r.KeepNewKey(text)
	}
	if err == nil && step > 1 {
		var log *eventlog.Log
		if log, err = eventlog.Rekey(string(r.Folder), eventlog.Config{Key: r.key}, key, func() error { return nil }); err == nil {
			err = log.Close()
		}
	}
	if err == nil && step > 2 {
		err = os.WriteFile(r.FormerKey(r.former), r.old, 0o600)
	}
	if err == nil && step > 3 {
		err = os.WriteFile(r.Key(), text, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return crdt.AuthorOf(key)
}

// TestANewKeyThatWasKilled: what a kill has left after each step is undone or finished by whatever opens the node next:
// a command, a daemon, another NewKey.
func TestANewKeyThatWasKilled(t *testing.T) {
	steps := map[int]string{1: "the key is kept", 2: "the log has changed", 3: "the old key is kept", 4: "the new key is in place"}
	opens := map[string]func(r *rekeyed) error{
		"command": func(r *rekeyed) error {
			c, err := node.Connect(r.t.Context(), string(r.Folder), node.Access{})
			if err == nil {
				err = c.Close()
			}
			return err
		},
		"daemon": func(r *rekeyed) error { run(r.t, node.Config{Dir: string(r.Folder)}).stop(); return nil },
	}
	for step, name := range steps {
		for by, open := range opens {
			t.Run(name+", "+by, func(t *testing.T) {
				r := newRekeyed(t)
				author := r.killed(step)
				if err := open(r); err != nil {
					t.Fatal(err)
				}
				if step == 1 {
					r.wantOld()
				} else {
					r.wantNew(author)
				}
			})
		}
		t.Run(name+", new key", func(t *testing.T) {
			r := newRekeyed(t)
			author := r.killed(step)
			done, err := node.NewKey(string(r.Folder), node.Access{})
			switch finished := step == 2 || step == 3; {
			case err != nil:
				t.Fatal(err)
			case finished && (done.Author != author || done.Former != r.former):
				t.Errorf("%+v, want what was begun to be finished: %s", done, author)
			case step == 1 && done.Former != r.former || step == 4 && done.Former != author:
				t.Errorf("%+v", done)
			}
			r.wantNew(done.Author)
		})
	}
}

// TestNewKeyOfANodeThatRuns is refused, and leaves no key beside the node's.
func TestNewKeyOfANodeThatRuns(t *testing.T) {
	r := newRekeyed(t)
	n := run(t, node.Config{Dir: string(r.Folder)})
	_, err := node.NewKey(string(r.Folder), node.Access{})
	if _, inUse := errors.AsType[*node.InUseError](err); !inUse {
		t.Errorf("beside a daemon: %v", err)
	}
	n.stop()
	r.wantOld()
}

// TestNewKeyOfASealedNode is sealed by the passphrase of the old one, for which a person is asked once.
func TestNewKeyOfASealedNode(t *testing.T) {
	for _, form := range []keyform.Form{keyform.PKCS8, keyform.OpenSSH} {
		r := newRekeyed(t)
		text, err := keyform.Seal(r.key, form, []byte("correct horse"))
		if err == nil {
			err = os.WriteFile(r.Key(), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		p := folder.Passphrase{Ask: func(string, int) ([]byte, error) {
			if asked++; asked == 1 {
				return []byte("battery staple"), nil
			}
			return []byte("correct horse"), nil
		}}
		done, err := node.NewKey(string(r.Folder), node.Access{Passphrase: p})
		if err != nil || asked != 2 {
			t.Fatalf("%s: asked %d times, want once more for the wrong one: %v", form, asked, err)
		}
		file, err := r.KeyFile()
		if err != nil || !file.Sealed || file.Form != form {
			t.Fatalf("%s: %+v, %v", form, file, err)
		}
		key, err := file.Open(folder.Passphrase{Text: "correct horse"})
		if err != nil || crdt.AuthorOf(key) != done.Author {
			t.Errorf("%s: the new key: %v", form, err)
		}
		former, err := folder.ReadKeyFile(done.FormerKey)
		if err != nil || !former.Sealed {
			t.Errorf("%s: the old key: %+v, %v", form, former, err)
		}
	}
}

// TestNewKeyAtALink is written where the link leads, and the link stays.
func TestNewKeyAtALink(t *testing.T) {
	r := newRekeyed(t)
	target := filepath.Join(t.TempDir(), "key")
	if err := errors.Join(os.Rename(r.Key(), target), os.Symlink(target, r.Key())); err != nil {
		t.Skip(err) // where links are not allowed
	}
	done, err := node.NewKey(string(r.Folder), node.Access{})
	if err != nil {
		t.Fatal(err)
	}
	r.wantNew(done.Author)
	if to, err := os.Readlink(r.Key()); err != nil || to != target {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}
