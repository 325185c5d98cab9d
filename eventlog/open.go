package eventlog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/meter"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/queue"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/request"
	"github.com/quipulog/quipu/eventlog/internal/schema"
	"github.com/quipulog/quipu/eventlog/whole"
)

// ErrNotExist is returned by [Open] when the directory holds no log.
var ErrNotExist = errors.New("no log here")

// ErrWrongKey is returned by [Open] when the log was created with another key.
var ErrWrongKey = errors.New("log belongs to another key")

// ErrFormat is returned by [Open] for a file of another version of quipu. Ops are the same in all versions, so a
// bundle carries them over; offsets are not, so followers begin anew.
var ErrFormat = errors.New("file has another format")

// otherFormat says that the file at path is of another version, and what to do about it.
func otherFormat(path string, version byte, id []byte) error {
	return fmt.Errorf("%w: %s is of version %d, this program knows version %d and %d: have the quipu that wrote it make a bundle "+
		"(quipu bundle create --dir %s all.bundle), make a new folder with this one (quipu init --dir NEW --log %x), "+
		"give its quipu.yaml the trim-age and trim-count by which the old log was trimmed, and apply the bundle to it "+
		"(quipu bundle apply --dir NEW all.bundle)", ErrFormat, path, version, formatVersion, schema.LateVersion, filepath.Dir(path), id)
}

// LockedError is returned by [Open] when another process, or this one, has the log open already.
type LockedError struct {
	Path string // of the file
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by another process", e.Path)
}

// Open opens the log in dir. It never makes one: see [ErrNotExist]. It reads what is known of each feed,
// but no ops, so it takes as long for ten million entries as for a thousand.
func Open(dir string, cfg Config) (*Log, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	path, err := filePath(dir)
	if err != nil {
		return nil, err
	}
	l := newLog(path, cfg)
	if l.store.file, err = disk.OpenFor(path, cfg.ReadOnly); err != nil {
		return nil, l.store.notOpened(err)
	}
	if err := l.begun(context.Background(), l.store.file.Unsynced()); err != nil {
		return nil, errors.Join(err, l.store.file.Close())
	}
	return l, nil
}

// filePath returns where the file of the log in dir is: what is made beside it, and replaces it, is there, too.
func filePath(dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, fileName))
	if err == nil {
		path, err = whole.Target(path)
	}
	if err != nil {
		return "", fmt.Errorf("open log: %w", err)
	}
	return path, nil
}

// newLog returns a log whose file is not open yet.
func newLog(path string, cfg Config) *Log {
	s := &store{
		path: path, cfg: cfg, logger: cfg.Logger, meters: meter.New(classes),
		settling: queue.NewSlot(), sweeping: queue.NewSlot(), closing: make(chan struct{}), changed: make(chan struct{}),
	}
	if !cfg.ReadOnly {
		s.author = crdt.AuthorOf(cfg.Key) // else the log says who that is
	}
	s.ours.store, s.onlooker = s, onlooker{store: s, reread: s.readAgain}
	l := &Log{store: s, followers: followers{store: s}}
	l.elsewhere = newLedger(l)
	s.queue = queue.New(queue.Config[*request.Request]{MaxBytes: maxGroup, Commit: s.commitAppends, Leave: l.leave, Gathered: s.meters.Gathered})
	return l
}

// notOpened returns what it means that the file could not be opened.
func (s *store) notOpened(err error) error {
	found, damaged := errors.AsType[*disk.Damage](err)
	switch {
	case damaged:
		return &DamagedError{Path: s.path, What: found.What, Err: found.Err}
	case errors.Is(err, disk.ErrLocked):
		return &LockedError{Path: s.path}
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open log: %w: %s", ErrNotExist, s.path)
	}
	return fmt.Errorf("open log: %w", err)
}

// begun reads what an open log needs, and verifies it if a sync of it has failed.
func (l *Log) begun(ctx context.Context, unsynced bool) error {
	s := l.store
	if err := s.start(); err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	l.index, l.elsewhere = newIndexer(s), newLedger(l)
	if s.cfg.ReadOnly {
		if unsynced {
			s.frozen = fmt.Errorf("%w: a sync of %s failed, and what is read may not be on disk: whoever opens it to write verifies it", ErrReadOnly, s.path)
		}
		return nil
	}
	if unsynced {
		if err := l.verifyUnsynced(ctx); err != nil {
			return err
		}
	} else if err := s.locate(s.file.SyncUnseen(s.durable)); err != nil {
		return fmt.Errorf("sync %s, which is verified when it is opened the next time: %w", s.path, err)
	}
	s.ours.markSeen()
	return nil
}

// verifyUnsynced verifies a log whose last sync failed and takes the mark away if it is whole. What the
// kernel still had to write is synced first: all that is read then is on disk. An op that cannot be read is asked of
// peers, which takes a log that is open; where it could be read before the sync the process that knows that does not go on.
func (l *Log) verifyUnsynced(ctx context.Context) error {
	s := l.store
	s.logger.Warn("a sync of this log failed: verifying it", "path", s.path)
	if err := s.locate(s.file.Sync()); err != nil {
		return fmt.Errorf("sync log after a failed sync: %w", err)
	}
	report, err := l.Verify(ctx)
	if err != nil {
		return fmt.Errorf("verify log after a failed sync: %w", err)
	}
	for _, p := range report.Problems {
		if p.op == nil && p.Follower == "" || p.op != nil && s.knew != nil && !s.knew.Covers(p.op.Author, p.op.Seq) {
			return &DamagedError{Path: s.path, What: "what was written before a sync failed", Err: errors.New(p.String())}
		}
	}
	return s.file.MarkSynced()
}

// Close waits for the commit that is under way and for open read transactions, and closes the file. Appends
// that still wait get [ErrClosed], and so do later calls, another Close among them.
func (l *Log) Close() error {
	if err := l.store.notInside(); err != nil {
		return err
	}
	l.store.closingOnce.Do(func() { close(l.store.closing) })
	l.store.queue.Lead()
	defer l.store.queue.Leave()
	l.store.mu.Lock()
	if l.store.closed {
		l.store.mu.Unlock()
		return ErrClosed
	}
	l.store.closed = true
	close(l.store.changed)
	l.store.mu.Unlock()
	l.store.queue.Fail(ErrClosed)
	l.audience.Close(ErrClosed)
	l.store.ours.markSeen()
	if err := l.store.file.Close(); err != nil {
		return fmt.Errorf("close %s: %w", l.store.path, err)
	}
	return nil
}

// start reads meta and the feeds.
func (s *store) start() error {
	return disk.Undisturbed(disk.Tries, func() error { return s.reading(s.startFrom) })
}

func (s *store) startFrom(tx *readTx) (err error) {
	if err := s.readMeta(tx); err != nil {
		return err
	}
	s.durable, s.is = tx.ID(), tx.Is
	if s.state, err = load(tx); err != nil {
		return err
	}
	s.cfg.bounds(s.author).Reopen(&s.state)
	s.state.ArrivedBy(s.cfg.Now())
	s.warnAhead(s.cfg.Now())
	tx.next, tx.most = s.state.Next, s.state.Next
	if err := s.ours.checkFile(tx); err != nil {
		return err
	}
	s.ours.checkOwnHead(tx)
	return nil
}

// readAgain reads the log as a transaction shows it, which is to have all that was known.
func (s *store) readAgain(tx *readTx) (contents, error) {
	fresh := newLog(s.path, s.cfg).store
	fresh.file = s.file
	if err := cmp.Or(fresh.startFrom(&readTx{Tx: tx.Tx}), tx.Err()); err != nil { // what an overtaken transaction does not show is not missing
		return contents{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fresh.id != s.id || fresh.author != s.author || fresh.state.Next < s.state.Next {
		return contents{}, fmt.Errorf("%s was put back to an older state since it was opened, or is another log now: begin anew", s.path)
	}
	s.contents = fresh.contents
	return s.contents, nil
}

// readMeta reads which log this is, whose, and since when.
func (s *store) readMeta(tx *readTx) error {
	meta := tx.Tree(bucketMeta)
	format, id, author := meta.Get(metaFormat), meta.Get(metaLog), meta.Get(metaAuthor)
	origin := meta.Get(metaIncarnation)
	if len(format) == 1 && schema.IsVersion(format[0]) && !schema.Reads(format[0]) {
		return otherFormat(s.path, format[0], id)
	}
	if len(format) != 1 || !schema.Reads(format[0]) || len(id) != len(s.id) || len(author) != len(s.author) || len(origin) != len(s.origin) {
		return &DamagedError{What: "meta", Err: fmt.Errorf("version %v of its format, or %w", format, record.ErrLength)}
	}
	if s.cfg.ReadOnly {
		s.author = crdt.Author(author)
	}
	if crdt.Author(author) != s.author && ownend.Alike(author, s.author[:]) {
		return &DamagedError{What: "meta", Err: fmt.Errorf("who writes here: %s, which is nearly %s", crdt.Author(author), s.author)}
	}
	if crdt.Author(author) != s.author {
		return fmt.Errorf("%w: %s is that of author %s, the key that of %s: one of the two is another node's", ErrWrongKey, s.path, crdt.Author(author), s.author)
	}
	var err error
	if s.authors, err = ownend.ParseAuthors(s.author, meta.Get(metaFormerly)); err != nil {
		return &DamagedError{What: "who wrote here before", Err: err}
	}
	s.id, s.origin = crdt.LogID(id), [16]byte(origin)
	if s.incarnations, err = tx.readIncarnations(origin); err != nil {
		return err
	}
	s.holed = bytes.Clone(meta.Get(metaHoles))
	s.holes.Open(s.holed)
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
	return s.ours.readRecovering(tx)
}
