package eventlogtest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/identity"
	"github.com/quipulog/quipu/eventlog/whole"
)

// Main runs the tests of a package with that many random stories for each law instead of rapid's 100, since
// each writes to a real file, which lies in [Memory]; -rapid.checks has the last word, as in .ci/run. It is for TestMain.
func Main(m *testing.M, stories int) {
	Memory()
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "rapid.checks" })
	if !told {
		if err := flag.Set("rapid.checks", strconv.Itoa(stories)); err != nil {
			panic(err) // the package tests no laws
		}
	}
	os.Exit(m.Run())
}

// Memory has the temporary folders of a package's tests lie in memory where there is a file system for that, with room:
// none of them depends on the disk, and its syncs are most of what they would wait for. TMPDIR has the last word. It is
// called before the tests begin, from TestMain as a rule.
func Memory() {
	const dir, room = "/dev/shm", 2 << 30
	if free, err := whole.Free(dir); err != nil || free < room || os.Getenv("TMPDIR") != "" {
		return
	}
	if err := os.Setenv("TMPDIR", dir); err != nil {
		panic(err) // the name of a variable
	}
}

// Key returns the private key that the text seed stands for: the same in every run.
func Key(seed string) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte(seed))
	return ed25519.NewKeyFromSeed(sum[:])
}

// Genesis returns the genesis that all logs of one test share.
func Genesis(tb testing.TB) crdt.Genesis {
	tb.Helper()
	return crdt.Genesis{Random: sha256.Sum256([]byte(tb.Name()))}
}

// Open creates a log in a directory of the test's, with the key that tb's name stands for. When the
// test ends the log is verified and closed.
func Open(tb testing.TB) *eventlog.Log {
	tb.Helper()
	return OpenAs(tb, tb.Name())
}

// OpenAs is [Open] with the key that seed stands for. Logs of one test share their genesis.
func OpenAs(tb testing.TB, seed string) *eventlog.Log {
	tb.Helper()
	return Create(tb, tb.TempDir(), eventlog.Config{Key: Key(seed)})
}

// Create creates a log in dir. When the test ends the log is verified and closed.
func Create(tb testing.TB, dir string, cfg eventlog.Config) *eventlog.Log {
	tb.Helper()
	genesis := Genesis(tb)
	l, err := eventlog.Create(dir, eventlog.Birth{Genesis: &genesis}, cfg)
	if err != nil {
		tb.Fatalf("create log: %v", err)
	}
	tb.Cleanup(func() { finish(tb, l) })
	return l
}

// Reopen opens the log in dir again. When the test ends the log is verified and closed.
func Reopen(tb testing.TB, dir string, cfg eventlog.Config) *eventlog.Log {
	tb.Helper()
	l, err := eventlog.Open(dir, cfg)
	if err != nil {
		tb.Fatalf("open log: %v", err)
	}
	tb.Cleanup(func() { finish(tb, l) })
	return l
}

// finish verifies and closes l, unless the test has closed it.
func finish(tb testing.TB, l *eventlog.Log) {
	tb.Helper()
	Verify(tb, l)
	if err := l.Close(); err != nil && !errors.Is(err, eventlog.ErrClosed) {
		tb.Errorf("close log: %v", err)
	}
}

// Verify fails the test for every problem that l has. A closed log has none.
func Verify(tb testing.TB, l *eventlog.Log) {
	tb.Helper()
	report, err := l.Verify(context.Background())
	if err != nil && !errors.Is(err, eventlog.ErrClosed) {
		tb.Errorf("verify log: %v", err)
	}
	for _, p := range report.Problems {
		tb.Errorf("verify log: %s", p)
	}
}

// Exchange brings to log to what log from holds and to lacks, as two nodes would over a network.
func Exchange(tb testing.TB, from, to *eventlog.Log) {
	tb.Helper()
	ctx := tb.Context()
	wants, err := to.Wants(ctx, from.Frontier(), 0)
	if err != nil {
		tb.Fatalf("wants: %v", err)
	}
	for _, want := range wants {
		if slices.Contains(to.Shut(), want.Author) {
			continue
		}
		segments, err := from.Plan(ctx, want)
		if err != nil {
			tb.Fatalf("plan: %v", err)
		}
		for _, segment := range segments {
			send(tb, from, to, segment)
		}
	}
}

func send(tb testing.TB, from, to *eventlog.Log, segment crdt.Segment) {
	tb.Helper()
	for {
		run, err := from.Read(tb.Context(), &segment, 1<<20)
		if err != nil {
			tb.Fatalf("read segment: %v", err)
		}
		if len(run.Ops) == 0 {
			return
		}
		outcomes, err := to.Apply(tb.Context(), []crdt.Run{run})
		if err != nil {
			tb.Fatalf("apply run: %v", err)
		}
		if outcomes[0].Err != nil {
			tb.Fatalf("apply run: %v", outcomes[0].Err)
		}
	}
}

// HeapAlive returns how many bytes of the heap are reachable, for tests of what a full queue keeps alive.
func HeapAlive() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools held until the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Disguise has the log in dir, which is not open, forget which file it was: a copy of a folder then looks like the
// original, as one does on a file system that shows nothing by which to tell them apart.
func Disguise(t interface{ Fatalf(string, ...any) }, dir string) {
	known(t, dir, func(meta *disk.Tree, key []byte) error { return meta.Remove(key) })
}

// Reboot has the log in dir, which is not open, look as if its machine had started anew since it was last written to.
func Reboot(t interface{ Fatalf(string, ...any) }, dir string) {
	moved(t, dir, func(is *identity.Identity) { is.Boot[0]++ })
}

// Move has the log in dir, which is not open, look as if another machine had written to it last.
func Move(t interface{ Fatalf(string, ...any) }, dir string) {
	moved(t, dir, func(is *identity.Identity) { is.Host[0]++ })
}

// Remount has the log in dir, which is not open, look as if it had been on another device when it was last written to.
func Remount(t interface{ Fatalf(string, ...any) }, dir string) {
	moved(t, dir, func(is *identity.Identity) { is.Device++ })
}

// moved changes what a log knows of its file, which must be known.
func moved(t interface{ Fatalf(string, ...any) }, dir string, move func(is *identity.Identity)) {
	known(t, dir, func(meta *disk.Tree, key []byte) error {
		is, err := identity.Parse(meta.Get(key))
		if err != nil {
			return err
		}
		move(&is)
		return meta.Set(key, is.Encode())
	})
}

// known changes what a log knows of its file.
func known(t interface{ Fatalf(string, ...any) }, dir string, change func(meta *disk.Tree, key []byte) error) {
	f, err := disk.Open(filepath.Join(dir, "quipu.db"))
	if err == nil {
		err = errors.Join(f.Update(func(tx *disk.Tx) error { return change(tx.Tree([]byte("meta")), []byte("identity")) }), f.Close())
	}
	if err != nil {
		t.Fatalf("change what a log knows of its file: %v", err)
	}
}
