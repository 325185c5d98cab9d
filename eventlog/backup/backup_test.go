package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/eventlog/restore"
)

func TestMain(m *testing.M) { eventlogtest.Main(m, 15) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// config returns how the logs of the tests are opened, with the key that seed stands for.
func config(seed string) eventlog.Config {
	return eventlog.Config{Key: eventlogtest.Key(seed), Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: 3}}
}

// tangled makes a log with a forked feed, a pruned one, trimmed entries, state, and followers that have parked some.
func tangled(t testing.TB) *eventlog.Log {
	t.Helper()
	l := eventlogtest.Create(t, t.TempDir(), config("own"))
	eventlogtest.Tangle(t, l, func(tx *eventlog.Tx) error {
		if err := tx.Bucket("state of f").Put([]byte("key"), nil); err != nil {
			return err
		}
		return tx.SetCursor("f", l.Stats().Next)
	})
	return l
}

// made makes a backup of l.
func made(t testing.TB, l *eventlog.Log, o backup.Options) ([]byte, backup.Summary) {
	t.Helper()
	var b bytes.Buffer
	s, err := l.Backup(t.Context(), &b, o)
	must(t, err)
	if int64(b.Len()) != s.Bytes {
		t.Errorf("%d bytes were written, %d counted", b.Len(), s.Bytes)
	}
	return b.Bytes(), s
}

// restored makes a log of backups, and opens it.
func restored(t testing.TB, cfg eventlog.Config, o restore.Options, backups ...[]byte) (*eventlog.Log, restore.Restored) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new")
	done, err := restore.Into(t.Context(), dir, o, readers(backups)...)
	must(t, err)
	files, err := os.ReadDir(dir)
	must(t, err)
	if len(files) != 1 {
		t.Errorf("the folder has %v", files)
	}
	return eventlogtest.Reopen(t, dir, cfg), done
}

func readers(backups [][]byte) (all []io.Reader) {
	for _, b := range backups {
		all = append(all, bytes.NewReader(b))
	}
	return all
}

// shown is what a log shows of what it holds.
type shown struct {
	Entries   []string
	Stats     eventlog.Stats
	Frontier  crdt.Frontier
	Gone      []eventlog.GoneFrom
	Forked    []crdt.Author
	Followers []eventlog.FollowerStatus
	State     map[string]string
}

func show(t testing.TB, l *eventlog.Log) (s shown) {
	t.Helper()
	for e, err := range l.Entries(t.Context(), eventlog.Query{Order: eventlog.Arrival, Gone: eventlog.ShowGone}) {
		must(t, err)
		s.Entries = append(s.Entries, fmt.Sprint(e.Offset, e.Place(), e.Disputed, string(e.Payload)))
	}
	s.Stats, s.Frontier, s.Gone, s.Forked = l.Stats(), l.Frontier(), l.Gone(), l.Forked()
	s.Stats.Bytes, s.Stats.Free, s.Stats.Applied = 0, 0, eventlog.Applied{}
	var err error
	s.Followers, err = l.Followers(t.Context())
	must(t, err)
	for i := range s.Followers {
		s.Followers[i].LagTime = 0 // it grows
	}
	s.State = stateOf(t, l)
	return s
}

// stateOf returns what the followers of the tests keep.
func stateOf(t testing.TB, l *eventlog.Log) map[string]string {
	t.Helper()
	state := map[string]string{}
	must(t, l.View(t.Context(), func(tx *eventlog.ReadTx) error {
		for _, name := range []string{"state of f", "f"} {
			for k, v := range tx.Bucket(name).Ascend(nil) {
				state[name+"/"+string(k)] = string(v)
			}
		}
		return nil
	}))
	return state
}

func same(t testing.TB, want, got shown) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(crdt.Signed{})); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

// TestWhatIsRestoredIsTheLog: with all that it held, by the same offsets, and does not append before it has asked.
func TestWhatIsRestoredIsTheLog(t *testing.T) {
	l := tangled(t)
	want := show(t, l)
	b, s := made(t, l, backup.Options{Key: []byte("sealed"), Files: []backup.File{{Name: "a.yaml", Data: []byte("b")}, {Name: "c"}}})
	checked, err := backup.Check(t.Context(), bytes.NewReader(b), nil)
	must(t, err)
	if s.Incarnation != l.Incarnation() || s.Log != l.ID() || s.To != want.Stats.Next || s.From != 0 {
		t.Errorf("the head: %+v", s.Head)
	}
	if diff := cmp.Diff(s, checked, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("checked (-want +got):\n%s", diff)
	}
	read, err := backup.ReadSummary(bytes.NewReader(b))
	must(t, err)
	if diff := cmp.Diff(s, read, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	r, done := restored(t, config("own"), restore.Options{}, b)
	same(t, want, show(t, r))
	if done.ID != s.ID || done.Author != l.Author() || done.Next != l.Stats().Next || len(done.Missing) > 0 {
		t.Errorf("restored: %+v", done)
	}
	if why := r.Recovering(); why == nil || why.Why != eventlog.WhyBackup {
		t.Errorf("recovering: %v", why)
	}
	if _, err := r.Append(t.Context(), crdt.Event{Kind: "k"}); err == nil {
		t.Error("it appends")
	}
	if r.Incarnation() == l.Incarnation() || r.Common(l.Incarnation(), done.Next) != done.Next || r.Common(l.Incarnation(), done.Next+1) != done.Next {
		t.Errorf("offsets of before hold up to %d", r.Common(l.Incarnation(), done.Next+1))
	}
}

// TestWhoRestoresHearsFirst: what the backups begin with, with the key; and nothing is made where that is not what it should be.
func TestWhoRestoresHearsFirst(t *testing.T) {
	l := tangled(t)
	first, s := made(t, l, backup.Options{Key: []byte("sealed")})
	second, _ := made(t, l, backup.Options{Since: &s})
	dir, unwelcome := filepath.Join(t.TempDir(), "new"), errors.New("unwelcome")
	_, err := restore.Into(t.Context(), dir, restore.Options{Begin: func(chain []backup.Summary) error {
		if len(chain) != 2 || string(chain[0].Key) != "sealed" || chain[1].Key != nil || chain[0].Author != l.Author() || *chain[1].Since != s.ID {
			t.Errorf("the chain is %+v", chain)
		}
		return unwelcome
	}}, readers([][]byte{first, second})...)
	if !errors.Is(err, unwelcome) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder: %v", err)
	}
}

// TestFilesAreNoPaths: what is restored lies in the folder, and nowhere else.
func TestFilesAreNoPaths(t *testing.T) {
	l := eventlogtest.Create(t, t.TempDir(), config("own"))
	for _, name := range []string{"", ".", "..", "a/b", `a\b`, "../a", "c:a", ".a", "a\x00"} {
		if _, err := l.Backup(t.Context(), io.Discard, backup.Options{Files: []backup.File{{Name: name}}}); err == nil {
			t.Errorf("a file called %q is taken", name)
		}
	}
	if _, err := l.Backup(t.Context(), io.Discard, backup.Options{Files: []backup.File{{Name: "a"}, {Name: "a"}}}); err == nil {
		t.Error("one name is taken twice")
	}
}
