package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/whole"
)

// ErrNotExist is returned by [Open] when the directory holds no log.
var ErrNotExist = errors.New("no log here")

// ErrWrongKey is returned by [Open] when the log was created with another key.
var ErrWrongKey = errors.New("log belongs to another key")

// ErrFormat is returned by [Open] for a file of another version of quipu.
var ErrFormat = errors.New("file has another format")

// LockedError is returned by [Open] when another process has the log open, or this one has already.
type LockedError struct {
	Path string // of the file
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by another process", e.Path)
}

// Open opens the log in dir. It never makes one: see [ErrNotExist]. It reads what is known of each
// feed but none of the ops, so it takes as long for ten million entries as for a thousand.
func Open(dir string, cfg Config) (*Log, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(filepath.Join(dir, fileName))
	if err == nil {
		path, err = whole.Target(path) // so that what is made beside the file, and replaces it, is where it is
	}
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	l := newLog(path, cfg)
	if err := l.store.openFile(); err != nil {
		return nil, err
	}
	if err := l.begun(context.Background()); err != nil {
		return nil, errors.Join(err, l.store.closeFile())
	}
	return l, nil
}

// newLog returns a log whose file is not open yet.
func newLog(path string, cfg Config) *Log {
	s := &store{
		path: path, cfg: cfg, logger: cfg.Logger, author: crdt.AuthorOf(cfg.Key), queue: newQueue(),
		sweeping: newSweeping(), closing: make(chan struct{}), changed: make(chan struct{}),
	}
	l := &Log{store: s, followers: followers{store: s}}
	s.mend = l.mend
	return l
}

// begun reads what an open log needs, and verifies it if a sync of it has failed.
func (l *Log) begun(ctx context.Context) error {
	if err := l.store.start(); err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	l.index = newIndexer(l.store)
	return l.verifyUnsynced(ctx)
}

// openFile locks the file, looks at it by plain reads, and only then lets bbolt map it: a file that is
// shorter than it says would kill the process.
func (s *store) openFile() error {
	file, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("open log: %w: %s", ErrNotExist, s.path)
		}
		return fmt.Errorf("open log: %w", err)
	}
	if err := disk.TryLock(file); err != nil {
		_ = file.Close()
		if errors.Is(err, disk.ErrLocked) {
			return &LockedError{Path: s.path}
		}
		return fmt.Errorf("lock %s: %w", s.path, err)
	}
	if !isAt(file, s.path) {
		_ = file.Close() // a compaction has put another in its place
		return &LockedError{Path: s.path}
	}
	_ = os.Remove(s.path + ".room")
	if err := s.dropCache(file); err != nil {
		_ = file.Close()
		return err
	}
	if err := disk.Preflight(file); err != nil {
		_ = file.Close()
		return &DamagedError{Path: s.path, What: "the file", Err: err}
	}
	return s.mapFile(file)
}

// isAt reports whether a file is the one that has the name path.
func isAt(file *os.File, path string) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	here, err := file.Stat()
	return err == nil && os.SameFile(here, there)
}

// Close waits for the commit that is under way and for open readings of a chunk, and closes the file.
// Appends that still wait get [ErrClosed]; so does everything called later, Close too.
func (l *Log) Close() error {
	if err := l.store.notInside(); err != nil {
		return err
	}
	l.store.closingOnce.Do(func() { close(l.store.closing) })
	l.store.queue.lead()
	defer l.store.queue.leave()
	l.store.mu.Lock()
	if l.store.closed {
		l.store.mu.Unlock()
		return ErrClosed
	}
	l.store.closed = true
	close(l.store.changed)
	l.store.mu.Unlock()
	l.store.queue.fail(ErrClosed)
	l.audience.Close(ErrClosed)
	return l.store.closeFile()
}

func (s *store) closeFile() error {
	if s.wedged.Load() != nil {
		// bbolt would wait for its own lock. The lock on the file goes with the file.
		return s.file.Close()
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close %s: %w", s.path, err)
	}
	return nil
}

// mapFile gives the file to bbolt, which closes it when it fails.
func (s *store) mapFile(file *os.File) error {
	err := s.tryMap(file, reserve())
	if errors.Is(err, syscall.ENOMEM) && reserve() > 0 {
		if file, err = os.OpenFile(s.path, os.O_RDWR, 0); err == nil {
			err = s.tryMap(file, 0)
		}
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return &LockedError{Path: s.path}
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return &DamagedError{Path: s.path, What: "the file", Err: err}
	case err != nil:
		return fmt.Errorf("open log: %w", err)
	}
	return nil
}

// tryMap opens file as bbolt's. When that fails the log has the database that it had, if any: one that a
// compaction has closed answers that it is.
func (s *store) tryMap(file *os.File, size int) error {
	err := s.guard(func() error {
		db, err := bbolt.Open(s.path, 0o600, options(size, file))
		if err == nil {
			s.db, s.pageSize = db, uint64(db.Info().PageSize)
		}
		return err
	})
	if _, damaged := asDamaged(err); damaged {
		_ = file.Close() // bbolt panicked and left it open
	}
	s.file = file
	return err
}

// reserve returns how much of the address space is mapped: only where mapping beyond the end of the
// file costs nothing.
func reserve() int {
	if strconv.IntSize < 64 || runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		return 0
	}
	size := int64(mapSize)
	return int(size)
}

// options returns how bbolt opens file. Measured: with an unsynced freelist, opening a cold file of
// 400 MB took 7 s instead of 1 ms.
func options(size int, file *os.File) *bbolt.Options {
	o := &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType, InitialMmapSize: size}
	if file != nil {
		o.OpenFile = func(string, int, os.FileMode) (*os.File, error) { return file, nil }
	}
	return o
}

// start reads meta and the feeds.
func (s *store) start() error {
	var missing [][]byte
	err := s.reading(func(tx *readTx) error {
		if err := s.readMeta(tx); err != nil {
			return err
		}
		missing = tx.missingBuckets()
		return nil
	})
	if err == nil && len(missing) > 0 {
		err = s.addBuckets(missing)
	}
	if err != nil {
		return err
	}
	return s.reading(func(tx *readTx) (err error) {
		s.durable.Store(tx.ID())
		if s.state, err = load(tx); err != nil {
			return err
		}
		s.state.reopened(&s.cfg, s.author)
		s.state.arrivedBy(s.cfg.Now())
		s.warnAhead(s.cfg.Now())
		tx.next, tx.most = s.state.next, s.state.next
		s.headless = s.checkOwnHead(tx)
		return nil
	})
}

// missingBuckets returns the buckets that the file was made without.
func (tx *readTx) missingBuckets() (missing [][]byte) {
	root := tx.Root()
	for _, name := range laterBuckets {
		if root.Child(name) == nil {
			missing = append(missing, name)
		}
	}
	return missing
}

// addBuckets makes the buckets that the file was made without.
func (s *store) addBuckets(names [][]byte) error {
	return s.guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			for _, name := range names {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return fmt.Errorf("make bucket %q: %w", name, err)
				}
			}
			return nil
		})
	})
}

// readMeta reads which log this is, whose, and since when.
func (s *store) readMeta(tx *readTx) error {
	meta := tx.Tree(bucketMeta)
	format, id, author := meta.Get(metaFormat), meta.Get(metaLog), meta.Get(metaAuthor)
	incarnation := meta.Get(metaIncarnation)
	if len(format) != 1 || len(id) != len(s.id) || len(author) != len(s.author) || len(incarnation) != len(s.incarnation) {
		return &DamagedError{What: "meta", Err: record.ErrLength}
	}
	if format[0] != formatVersion {
		return fmt.Errorf("%w: %s is of version %d, this program knows version %d", ErrFormat, s.path, format[0], formatVersion)
	}
	if crdt.Author(author) != s.author {
		return fmt.Errorf("%w: %s is that of author %s, the key that of %s", ErrWrongKey, s.path, crdt.Author(author), s.author)
	}
	s.id, s.incarnation = crdt.LogID(id), [16]byte(incarnation)
	if b := meta.Get(metaGenesis); b != nil {
		g, err := crdt.ParseGenesis(append([]byte(nil), b...))
		if err == nil && g.Log() != s.id {
			err = ErrOtherLog
		}
		if err != nil {
			return &DamagedError{What: "the genesis", Err: err}
		}
		s.genesis = &g
	}
	return s.readNotWritten(tx)
}

// checkOwnHead says why nothing may be appended: our last op cannot be read, or ops stand beside what
// the feed's record knows. Signing on from there could give a seq to a second entry.
func (s *store) checkOwnHead(tx *readTx) error {
	feed := s.state.feed(s.author)
	if _, forked := feed.Disputed(); forked {
		return fmt.Errorf("%w: our own feed has %d branches", ErrSecondWriter, len(feed.Branches))
	}
	t := tx.ops(s.author)
	if t == nil && feed.IsZero() {
		return nil
	}
	wrong := errors.New("our feed does not end where its record says")
	if t == nil || feed.IsZero() {
		return &DamagedError{Path: s.path, What: "our own feed", Err: wrong}
	}
	k, v := t.Cursor().Last()
	key, err := record.ParseOpKey(k)
	if err != nil {
		return &DamagedError{Path: s.path, What: "our own feed", Err: err}
	}
	op, err := opAt(s.author, key, v)
	if end, _, _ := ownHead(feed); err == nil && op.Head() != end {
		err = wrong
	}
	if err != nil {
		return &DamagedError{Path: s.path, What: "the end of our own feed", Err: err}
	}
	return nil
}
