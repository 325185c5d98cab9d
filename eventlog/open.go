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
	if err := l.openFile(); err != nil {
		return nil, err
	}
	if err := l.begun(context.Background()); err != nil {
		return nil, errors.Join(err, l.closeFile())
	}
	return l, nil
}

// newLog returns a log whose file is not open yet.
func newLog(path string, cfg Config) *Log {
	return &Log{
		path: path, cfg: cfg, logger: cfg.Logger, author: crdt.AuthorOf(cfg.Key), queue: newQueue(), index: newIndexing(),
		sweeping: newSweeping(), closing: make(chan struct{}), changed: make(chan struct{}),
	}
}

// begun reads what an open log needs, and verifies it if a sync of it has failed.
func (l *Log) begun(ctx context.Context) error {
	if err := l.start(); err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	return l.verifyUnsynced(ctx)
}

// openFile locks the file, looks at it by plain reads, and only then lets bbolt map it: a file that is
// shorter than it says would kill the process.
func (l *Log) openFile() error {
	file, err := os.OpenFile(l.path, os.O_RDWR, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("open log: %w: %s", ErrNotExist, l.path)
		}
		return fmt.Errorf("open log: %w", err)
	}
	if err := tryLock(file); err != nil {
		_ = file.Close()
		if errors.Is(err, errLocked) {
			return &LockedError{Path: l.path}
		}
		return fmt.Errorf("lock %s: %w", l.path, err)
	}
	if !isAt(file, l.path) {
		_ = file.Close() // a compaction has put another in its place
		return &LockedError{Path: l.path}
	}
	_ = os.Remove(l.path + ".room")
	if err := l.dropCache(file); err != nil {
		_ = file.Close()
		return err
	}
	if err := preflight(file); err != nil {
		_ = file.Close()
		return &DamagedError{Path: l.path, What: "the file", Err: err}
	}
	return l.mapFile(file)
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

// mapFile gives the file to bbolt, which closes it when it fails.
func (l *Log) mapFile(file *os.File) error {
	err := l.tryMap(file, reserve())
	if errors.Is(err, syscall.ENOMEM) && reserve() > 0 {
		if file, err = os.OpenFile(l.path, os.O_RDWR, 0); err == nil {
			err = l.tryMap(file, 0)
		}
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return &LockedError{Path: l.path}
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return &DamagedError{Path: l.path, What: "the file", Err: err}
	case err != nil:
		return fmt.Errorf("open log: %w", err)
	}
	return nil
}

// tryMap opens file as bbolt's. When that fails the log has the database that it had, if any: one that a
// compaction has closed answers that it is.
func (l *Log) tryMap(file *os.File, size int) error {
	err := l.guard(func() error {
		db, err := bbolt.Open(l.path, 0o600, options(size, file))
		if err == nil {
			l.db, l.pageSize = db, uint64(db.Info().PageSize)
		}
		return err
	})
	if _, damaged := asDamaged(err); damaged {
		_ = file.Close() // bbolt panicked and left it open
	}
	l.file = file
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
func (l *Log) start() error {
	var missing [][]byte
	err := l.reading(func(tx *readTx) error {
		if err := l.readMeta(tx); err != nil {
			return err
		}
		missing = tx.missingBuckets()
		return nil
	})
	if err == nil && len(missing) > 0 {
		err = l.addBuckets(missing)
	}
	if err != nil {
		return err
	}
	return l.reading(func(tx *readTx) (err error) {
		l.durable.Store(int64(tx.bolt.ID()))
		if l.state, err = load(tx); err != nil {
			return err
		}
		l.state.reopened(&l.cfg, l.author)
		l.state.arrivedBy(l.cfg.Now())
		l.warnAhead(l.cfg.Now())
		tx.next, tx.most = l.state.next, l.state.next
		l.headless = l.checkOwnHead(tx)
		return nil
	})
}

// reading runs fn in a read transaction of a log that nobody writes to yet.
func (l *Log) reading(fn func(tx *readTx) error) error {
	tx, err := l.begin(false)
	if err != nil {
		return err
	}
	return l.guard(func() error {
		defer func() { _ = tx.Rollback() }()
		r := l.newReadTx(tx)
		return fn(&r)
	})
}

// missingBuckets returns the buckets that the file was made without.
func (tx *readTx) missingBuckets() (missing [][]byte) {
	root := &tree{b: tx.bolt.Cursor().Bucket(), pages: tx.pages}
	for _, name := range laterBuckets {
		if root.child(name) == nil {
			missing = append(missing, name)
		}
	}
	return missing
}

// addBuckets makes the buckets that the file was made without.
func (l *Log) addBuckets(names [][]byte) error {
	return l.guard(func() error {
		return l.db.Update(func(tx *bbolt.Tx) error {
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
func (l *Log) readMeta(tx *readTx) error {
	meta := tx.tree(bucketMeta)
	format, id, author := meta.get(metaFormat), meta.get(metaLog), meta.get(metaAuthor)
	incarnation := meta.get(metaIncarnation)
	if len(format) != 1 || len(id) != len(l.id) || len(author) != len(l.author) || len(incarnation) != len(l.incarnation) {
		return &DamagedError{What: "meta", Err: errLength}
	}
	if format[0] != formatVersion {
		return fmt.Errorf("%w: %s is of version %d, this program knows version %d", ErrFormat, l.path, format[0], formatVersion)
	}
	if crdt.Author(author) != l.author {
		return fmt.Errorf("%w: %s is that of author %s, the key that of %s", ErrWrongKey, l.path, crdt.Author(author), l.author)
	}
	l.id, l.incarnation = crdt.LogID(id), [16]byte(incarnation)
	if b := meta.get(metaGenesis); b != nil {
		g, err := crdt.ParseGenesis(append([]byte(nil), b...))
		if err == nil && g.Log() != l.id {
			err = ErrOtherLog
		}
		if err != nil {
			return &DamagedError{What: "the genesis", Err: err}
		}
		l.genesis = &g
	}
	return l.readNotWritten(tx)
}

// checkOwnHead says why nothing may be appended: our last op cannot be read, or ops stand beside what
// the feed's record knows. Signing on from there could give a seq to a second entry.
func (l *Log) checkOwnHead(tx *readTx) error {
	feed := l.state.feed(l.author)
	if _, forked := feed.Disputed(); forked {
		return fmt.Errorf("%w: our own feed has %d branches", ErrSecondWriter, len(feed.Branches))
	}
	t := tx.ops(l.author)
	if t == nil && feed.IsZero() {
		return nil
	}
	wrong := errors.New("our feed does not end where its record says")
	if t == nil || feed.IsZero() {
		return &DamagedError{Path: l.path, What: "our own feed", Err: wrong}
	}
	k, v := t.Cursor().Last()
	key, err := decodeOpKey(k)
	if err != nil {
		return &DamagedError{Path: l.path, What: "our own feed", Err: err}
	}
	op, err := opAt(l.author, key, v)
	if end, _, _ := ownHead(feed); err == nil && op.Head() != end {
		err = wrong
	}
	if err != nil {
		return &DamagedError{Path: l.path, What: "the end of our own feed", Err: err}
	}
	return nil
}
