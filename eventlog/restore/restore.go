package restore

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/internal/incarnation"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/refill"
	"github.com/quipulog/quipu/eventlog/internal/schema"
	"github.com/quipulog/quipu/eventlog/internal/sys"
	"github.com/quipulog/quipu/eventlog/whole"
)

// ErrNotEmpty is wrapped where the folder that a log is to be restored into holds something.
var ErrNotEmpty = errors.New("the folder is not empty")

// Options say how [Into] makes the folder of a log. It may be zero.
type Options struct {
	// Key makes the log that of another author, who has written nothing to it: it opens with Key alone, its feed begins
	// with an entry that names the former author, and it need not ask where a feed ends. Whoever wrote before is
	// remembered. Nil keeps the author.
	Key ed25519.PrivateKey
	// Begin is called with what each of the backups begins with, before anything is restored: an error of its ends the
	// restore. Nil for nobody. What ends a backup is not known yet.
	Begin func(chain []backup.Summary) error
	// Progress is called from time to time with how many entries of how many are restored; nil for nobody.
	Progress func(done, total uint64)
	// Now is the wall clock; nil means [time.Now].
	Now func() time.Time
}

// Restored says what was restored.
type Restored struct {
	backup.Summary // of the last backup
	// Author is who writes to the restored log.
	Author crdt.Author
	// Entries are how many the log has, of all backups, and Next the offset behind the last one.
	Entries, Next uint64
	// Missing are stretches of feeds that the backups do not have, since they could not be read when those were made: at
	// most 1,000 as AUTHOR/SEQ or AUTHOR/SEQ…SEQ; More counts the others. The log can be repaired from its peers.
	Missing []string
	More    uint64
}

// Into makes the folder dir, which is empty or is not there, and in it a log of the backups of a chain, in their order:
// what the log was when the last one was made, with all followers where they were. It verifies what [backup.Check] does, and
// all ops against each other. The restored log may be older than what was told of it, so it asks its peers where its
// own feed ends before it appends ([eventlog.WhyBackup]); offsets that were told of hold below the end of the last backup, see
// [eventlog.Log.Common].
//
// After an error there is no log in dir, unless the disk has failed in the last moment, and to remove the log, too. The error is ctx's, that of the file system, wraps [ErrNotEmpty], or is a
// [*backup.BrokenError].
func Into(ctx context.Context, dir string, o Options, backups ...io.Reader) (done Restored, err error) {
	made, err := emptyFolder(dir)
	if err != nil {
		return done, fmt.Errorf("restore into %s: %w", dir, err)
	}
	r := &restoring{o: o, path: filepath.Join(dir, schema.FileName), meta: make(map[string][]byte)}
	if r.now = time.Now(); o.Now != nil {
		r.now = o.Now()
	}
	done, err = r.restore(ctx, backups)
	if r.maker != nil {
		r.maker.Drop()
	}
	if err != nil {
		if made {
			_ = sys.Remove(dir)
		}
		return Restored{}, fmt.Errorf("restore into %s: %w", dir, err)
	}
	return done, nil
}

// emptyFolder makes a folder, if it is not there, and reports whether it has. What a restore that was killed has left in it
// is removed.
func emptyFolder(dir string) (made bool, err error) {
	whole.RemoveDrafts(dir, func(name string) bool { return name == schema.FileName })
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, os.MkdirAll(dir, 0o700)
	}
	if len(files) > 0 {
		return false, fmt.Errorf("%w: it has %s", ErrNotEmpty, files[0].Name())
	}
	return false, err
}

// restoring is a restore on its way.
type restoring struct {
	o     Options
	now   time.Time
	path  string
	maker *refill.Maker
	meta  map[string][]byte // of the last backup
	done  uint64            // entries
	total uint64
	clock crdt.Clock // the greatest that was met and is not ahead
}

func (r *restoring) restore(ctx context.Context, backups []io.Reader) (done Restored, err error) {
	if len(backups) == 0 {
		return done, errors.New("no backup is given")
	}
	readers := make([]*backup.Reader, len(backups))
	for i, b := range backups {
		if readers[i], err = backup.NewReader(b, i); err != nil {
			return done, err
		}
		r.total += readers[i].To - readers[i].From
	}
	if o := r.o.Begin; o != nil {
		var chain []backup.Summary
		for _, b := range readers {
			chain = append(chain, b.Summary)
		}
		if err := o(chain); err != nil {
			return done, err
		}
	}
	if r.maker, err = refill.New(r.path, readers[0].Log); err != nil {
		return done, err
	}
	var before *backup.Summary
	for i, b := range readers {
		if err := b.Follows(before); err != nil {
			return done, b.Broken(err)
		}
		if err := r.read(ctx, b, i == len(readers)-1); err != nil {
			return done, err
		}
		before = &b.Summary
	}
	last := readers[len(readers)-1]
	if err := last.CheckMeta(r.meta); err != nil {
		return done, last.Altered("%w", err)
	}
	done = Restored{Summary: last.Summary, Author: last.Author}
	return done, r.finish(last, &done)
}

// read puts what a backup has; of all but the last one of a chain nothing but ops.
func (r *restoring) read(ctx context.Context, b *backup.Reader, last bool) error {
	for c, err := range ahead(b.Read) {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
			err = unfit(b, c.At, r.put(&c, last))
		}
		if err != nil {
			return err
		}
		if told := r.o.Progress; told != nil {
			told(min(r.done, r.total), r.total)
		}
	}
	return nil
}

// unfit returns the error of a [refill.Maker] as that of the block of a backup, where it is the backup's.
func unfit(b *backup.Reader, at int64, err error) error {
	_, feed := errors.AsType[*refill.FeedError](err)
	if feed || errors.Is(err, crdt.ErrInvalid) || errors.Is(err, crdt.ErrAuthor) || errors.Is(err, refill.ErrTaken) {
		return b.AlteredAt(at, err)
	}
	return err
}

func (r *restoring) put(c *backup.Contents, last bool) error {
	for _, p := range c.Pairs {
		isMeta := string(p.Path[0]) == string(schema.Meta)
		switch {
		case !last:
		case isMeta:
			r.meta[string(p.Key)] = p.Value
		default:
			if err := r.maker.Pair(p.Path, p.Key, p.Value); err != nil {
				return err
			}
		}
	}
	for _, t := range c.Trimmed {
		if err := r.maker.Trim(t.Offset, t.Sweep); err != nil {
			return err
		}
	}
	for _, o := range c.Ops {
		if err := r.maker.Checked(o.Op, o.Offset, o.Sweep); err != nil {
			return err
		}
		r.done += o.Count
		if !o.Clock.Ahead(r.now) {
			r.clock = max(r.clock, o.Clock)
		}
	}
	for _, a := range c.Missing {
		k := record.Offset(a.Offset)
		if err := r.maker.Pair([][]byte{schema.Arrivals}, k[:], a.Encode()); err != nil {
			return err
		}
	}
	return nil
}

// finish puts meta as it is to be in another folder than the one that was backed up, and finishes the file.
func (r *restoring) finish(last *backup.Reader, done *Restored) error {
	for _, p := range last.Pruned {
		leave, err := crdt.ParseSigned(p.Leave)
		if err != nil {
			return last.Altered("the leave to forget feed %s: %w", p.Author, err)
		}
		r.maker.Forget(p.Author, refill.Forgotten{Below: p.Below, Sweep: p.Sweep, Leave: leave})
	}
	names, err := namesOf(r.meta)
	if err != nil {
		return last.Altered("the names of the arrivals: %w", err)
	}
	names = names.Begin(incarnation.New(), last.To, last.Sweep)
	r.meta[string(schema.Incarnations)] = names.Encode()
	if r.o.Key == nil {
		err = ownend.Since(r.meta, r.now)
	} else {
		done.Author = crdt.AuthorOf(r.o.Key)
		err = r.begin(last)
	}
	for k, v := range r.meta {
		if err == nil {
			err = r.maker.Pair([][]byte{schema.Meta}, []byte(k), v)
		}
	}
	if err != nil {
		return unfit(last, last.At(), err)
	}
	report, err := r.maker.Finish(r.now)
	if err != nil {
		return unfit(last, last.At(), err)
	}
	done.Entries, done.Next, done.More = report.Entries, report.Next, report.More
	for _, h := range report.Holes {
		done.Missing = append(done.Missing, h.String())
	}
	return nil
}

// namesOf returns the names of the arrivals by what meta says.
func namesOf(meta map[string][]byte) (incarnation.Names, error) {
	b := meta[string(schema.Incarnations)]
	if b == nil {
		b = meta[string(schema.Incarnation)]
	}
	return incarnation.Parse(b)
}
