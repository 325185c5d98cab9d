package eventlog_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// seen is a folder with a log of its own, which tests copy and put back.
type seen struct {
	t   *testing.T
	dir string
}

func newSeen(t *testing.T) seen {
	s := seen{t, t.TempDir()}
	l, err := eventlog.Create(s.dir, eventlog.Birth{Log: [16]byte{1}}, config("seen"))
	must(t, err)
	must(t, l.Close())
	return s
}

// run opens the log, appends n entries and closes it, and returns how the log is older than it was.
func (s seen) run(n int) string {
	s.t.Helper()
	l, err := eventlog.Open(s.dir, config("seen"))
	must(s.t, err)
	for range n {
		mustAppend(s.t, l, "x")
	}
	eventlogtest.Verify(s.t, l)
	must(s.t, l.Close())
	return l.Older()
}

func (s seen) witness() string { return filepath.Join(s.dir, eventlog.FileName+".seen") }

// backup copies the files of the folder, and returns what puts the copies back into those that are there, as cp does.
func (s seen) backup() (restore func(which func(name string) bool)) {
	files := map[string][]byte{}
	entries, err := os.ReadDir(s.dir)
	must(s.t, err)
	for _, e := range entries {
		files[e.Name()], err = os.ReadFile(filepath.Join(s.dir, e.Name()))
		must(s.t, err)
	}
	return func(which func(name string) bool) {
		s.t.Helper()
		for name, b := range files {
			if which(name) {
				must(s.t, os.WriteFile(filepath.Join(s.dir, name), b, 0o600))
			}
		}
	}
}

func everything(string) bool      { return true }
func onlyTheLog(name string) bool { return name == eventlog.FileName }

// want wants it at this start and at the next, as long as nobody has put it on record.
func (s seen) want(older string) {
	s.t.Helper()
	for range 2 {
		if got := s.run(0); !strings.Contains(got, older) || (got == "") != (older == "") {
			s.t.Errorf("older: %q, want %q", got, older)
		}
	}
}

// TestOlderCopyInPlace puts an older copy into the file, which leaves its inode and birth time as they were.
func TestOlderCopyInPlace(t *testing.T) {
	t.Run("the log", func(t *testing.T) {
		s := newSeen(t)
		restore := s.backup()
		s.run(3)
		restore(onlyTheLog)
		s.want("it holds transaction ")
	})
	t.Run("the log and its witness", func(t *testing.T) {
		s := newSeen(t)
		s.run(1)
		restore := s.backup()
		s.run(3)
		restore(everything)
		s.want("quipu.db.seen beside it was written into, too")
	})
	t.Run("without a witness", func(t *testing.T) {
		s := newSeen(t)
		restore := s.backup()
		s.run(3)
		restore(onlyTheLog)
		must(t, os.Remove(s.witness()))
		s.want("")
	})
	t.Run("as new as it was", func(t *testing.T) {
		s := newSeen(t)
		s.run(3)
		restore := s.backup()
		s.want("")
		restore(onlyTheLog)
		s.want("")
	})
}

// TestTheWitnessFollows: it is renewed while the log is open, so that a crash leaves one that is not as old as the last
// start, and not by each commit.
func TestTheWitnessFollows(t *testing.T) {
	s, now := newSeen(t), time.Now()
	cfg := config("seen")
	cfg.Now = func() time.Time { return now }
	l, err := eventlog.Open(s.dir, cfg)
	must(t, err)
	defer l.Close()
	seen := func() string {
		b, err := os.ReadFile(s.witness())
		must(t, err)
		return string(b)
	}
	first := seen()
	mustAppend(t, l, "soon")
	if seen() != first {
		t.Error("it is renewed by the next commit")
	}
	now = now.Add(time.Minute)
	if mustAppend(t, l, "later"); seen() == first {
		t.Error("a minute later it is that of the start")
	}
}

// TestNoOlderLog goes through what makes a log of fewer transactions, or another file of it, and is no copy.
func TestNoOlderLog(t *testing.T) {
	t.Run("compacted", func(t *testing.T) {
		s := newSeen(t)
		s.run(20)
		l, err := eventlog.Open(s.dir, config("seen"))
		must(t, err)
		before, err := os.ReadFile(s.witness())
		must(t, err)
		_, err = l.Compact(t.Context())
		must(t, err)
		after, err := os.ReadFile(s.witness())
		must(t, err)
		if string(before) == string(after) {
			t.Errorf("after a compaction the witness is that of the file before: %s", after)
		}
		must(t, l.Close())
		s.want("")
	})
	t.Run("compacted, and killed before there was another witness", func(t *testing.T) {
		s := newSeen(t)
		s.run(20)
		of, err := os.ReadFile(s.witness())
		must(t, err)
		l, err := eventlog.Open(s.dir, config("seen"))
		must(t, err)
		_, err = l.Compact(t.Context())
		must(t, err)
		must(t, l.Close())
		must(t, os.WriteFile(s.witness(), of, 0o600)) // as if it had not been removed either
		s.want("")
	})
	t.Run("made anew in its place", func(t *testing.T) {
		s := newSeen(t)
		s.run(20)
		must(t, os.Remove(filepath.Join(s.dir, eventlog.FileName)))
		l, err := eventlog.Create(s.dir, eventlog.Birth{Log: [16]byte{1}}, config("seen"))
		must(t, err)
		must(t, l.Close())
		s.want("")
	})
	t.Run("moved with its folder", func(t *testing.T) {
		s := newSeen(t)
		s.run(3)
		moved := filepath.Join(t.TempDir(), "moved")
		must(t, os.Rename(s.dir, moved))
		s.dir = moved
		s.want("")
	})
}

// TestWitnessThatCannotBeWritten: a log is opened, written to and closed where no witness can be left.
func TestWitnessThatCannotBeWritten(t *testing.T) {
	t.Run("no file", func(t *testing.T) {
		s := newSeen(t)
		must(t, os.Remove(s.witness()))
		must(t, os.Mkdir(s.witness(), 0o700))
		if older := s.run(3); older != "" {
			t.Errorf("older: %q", older)
		}
		s.want("")
	})
	t.Run("full disk", func(t *testing.T) {
		s := newSeen(t)
		if err := unix.Mount("tmpfs", s.dir, "tmpfs", 0, "size=2m"); err != nil {
			t.Skipf("mounting a small file system needs rights: %v", err)
		}
		t.Cleanup(func() { must(t, unix.Unmount(s.dir, 0)) })
		l, err := eventlog.Create(s.dir, eventlog.Birth{Log: [16]byte{1}}, config("seen"))
		must(t, err)
		mustAppend(t, l, "x")
		before, err := os.ReadFile(s.witness())
		must(t, err)
		ballast, err := os.Create(filepath.Join(s.dir, "ballast"))
		must(t, err)
		for err == nil {
			_, err = ballast.Write(make([]byte, 4096))
		}
		must(t, ballast.Close())
		must(t, l.Close())
		if after, err := os.ReadFile(s.witness()); err != nil || string(after) != string(before) {
			t.Errorf("on a full disk the witness became %q, %v", after, err)
		}
		left, err := fs.Glob(os.DirFS(s.dir), ".*")
		if err != nil || len(left) > 0 {
			t.Errorf("left over: %q, %v", left, err)
		}
		s.want("")
	})
}

// TestAnOlderFileThatDoesNotSayWhichItIs is what an earlier version has left, and is put back into ours.
func TestAnOlderFileThatDoesNotSayWhichItIs(t *testing.T) {
	s := newSeen(t)
	eventlogtest.Disguise(t, s.dir)
	restore := s.backup()
	if older := s.run(3); older != "" {
		t.Errorf("opened by this version for the first time: %s", older)
	}
	restore(onlyTheLog)
	s.want("it holds transaction")
}

// TestASyncThatFailsAtTheStartIsNoMark: what a killed process has left to the kernel may be lost when it is synced. The
// next sync does not tell of that: the log is not opened, and is verified when it is the next time.
func TestASyncThatFailsAtTheStartIsNoMark(t *testing.T) {
	s := newSeen(t)
	l, err := eventlog.Open(s.dir, config("seen"))
	must(t, err)
	must(t, os.Remove(s.witness()))
	d := newDisk(t, l)
	d.breakSync()
	if err := eventlog.Begin(t, l); err == nil {
		t.Error("it is opened")
	}
	d.mend()
	must(t, l.Close())
	if _, err := os.Stat(s.witness()); err == nil {
		t.Error("it is marked as seen")
	}
	unsynced := filepath.Join(s.dir, eventlog.FileName+".unsynced")
	if _, err := os.Stat(unsynced); err != nil {
		t.Errorf("it is not marked as unsynced: %v", err)
	}
	s.want("")
	if _, err := os.Stat(unsynced); err == nil {
		t.Error("it is not verified")
	}
}
