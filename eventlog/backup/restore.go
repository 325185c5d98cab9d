package backup

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/incarnation"
	"github.com/quipulog/quipu/eventlog/internal/ownend"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/refill"
	"github.com/quipulog/quipu/eventlog/internal/schema"
	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// ErrNotEmpty is wrapped where the folder that a log is to be restored into holds something.
var ErrNotEmpty = errors.New("the folder is not empty")

// RestoreOptions say how [Restore] makes the folder of a log. It may be zero.
type RestoreOptions struct {
	// Key makes the log that of another author, who has written nothing to it: it opens with Key alone, its feed begins
	// with an entry that names the former author, and it need not ask where a feed ends. Whoever wrote before is
	// remembered. Nil keeps the author.
	Key ed25519.PrivateKey
	// Begin is called with what each of the backups begins with, before anything is restored: an error of its ends the
	// restore. Nil for nobody. What ends a backup is not known yet.
	Begin func(chain []Summary) error
	// Progress is called from time to time with how many entries of how many are restored; nil for nobody.
	Progress func(done, total uint64)
	// Now is the wall clock; nil means [time.Now].
	Now func() time.Time
}

// Restored says what was restored.
type Restored struct {
	Summary // of the last backup
	// Author is who writes to the restored log.
	Author crdt.Author
	// Entries are how many the log has, of all backups, and Next the offset behind the last one.
	Entries, Next uint64
	// Missing are stretches of feeds that the backups do not have, since they could not be read when those were made: at
	// most 1,000 as AUTHOR/SEQ or AUTHOR/SEQ…SEQ; More counts the others. The log can be repaired from its peers.
	Missing []string
	More    uint64
}

// Restore makes the folder dir, which is empty or is not there, and in it a log of the backups of a chain, in their order:
// what the log was when the last one was made, with all followers where they were. It verifies what [Check] does, and
// all ops against each other. The restored log may be older than what was told of it, so it asks its peers where its
// own feed ends before it appends ([eventlog.WhyBackup]); offsets that were told of hold below the end of the last backup, see
// [eventlog.Log.Common].
//
// After an error there is no log in dir, unless the disk has failed in the last moment, and to remove the log, too. The error is ctx's, that of the file system, wraps [ErrNotEmpty], or is a
// [*BrokenError].
func Restore(ctx context.Context, dir string, o RestoreOptions, backups ...io.Reader) (done Restored, err error) {
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

// emptyFolder makes a folder, if it is not there, and reports whether it has. What an interrupted restore has left in it
// is removed.
func emptyFolder(dir string) (made bool, err error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, os.MkdirAll(dir, 0o700)
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), schema.FileName+".new-") {
			return false, fmt.Errorf("%w: it has %s", ErrNotEmpty, f.Name())
		}
	}
	for _, f := range files {
		err = errors.Join(err, sys.Remove(filepath.Join(dir, f.Name())))
	}
	return false, err
}

// restoring is a restore on its way.
type restoring struct {
	o     RestoreOptions
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
	readers := make([]*reader, len(backups))
	for i, b := range backups {
		if readers[i], err = newReader(b, i); err != nil {
			return done, err
		}
		r.total += readers[i].s.To - readers[i].s.From
	}
	if o := r.o.Begin; o != nil {
		var chain []Summary
		for _, b := range readers {
			chain = append(chain, b.s)
		}
		if err := o(chain); err != nil {
			return done, err
		}
	}
	if r.maker, err = refill.New(r.path, readers[0].s.Log); err != nil {
		return done, err
	}
	var before *Summary
	for i, b := range readers {
		if err := b.s.Follows(before); err != nil {
			return done, b.blocks.broken(err)
		}
		if err := r.read(ctx, b, i == len(readers)-1); err != nil {
			return done, err
		}
		before = &b.s
	}
	last := readers[len(readers)-1]
	if wrong := metaOf(r.meta, &last.s.Head); wrong != "" {
		return done, last.altered("%s", wrong)
	}
	done = Restored{Summary: last.s, Author: last.s.Author}
	return done, r.finish(last, &done)
}

// read puts what a backup has; of all but the last one of a chain nothing but ops.
func (r *restoring) read(ctx context.Context, b *reader, last bool) error {
	for c, err := range ahead(b.read) {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
			err = b.unfit(c.at, r.put(&c, last))
		}
		if err != nil {
			return err
		}
		tell(r.o.Progress, r.done, r.total)
	}
	return nil
}

// unfit returns the error of a [refill.Maker] as that of the backup, where it is the backup's.
func (b *reader) unfit(at int64, err error) error {
	_, feed := errors.AsType[*refill.FeedError](err)
	if feed || errors.Is(err, crdt.ErrInvalid) || errors.Is(err, crdt.ErrAuthor) || errors.Is(err, refill.ErrTaken) {
		return b.alteredAt(at, err)
	}
	return err
}

func (r *restoring) put(c *contents, last bool) error {
	for _, p := range c.pairs {
		isMeta := string(p.path[0]) == string(schema.Meta)
		switch {
		case !last:
		case isMeta:
			r.meta[string(p.key)] = p.value
		default:
			if err := r.maker.Pair(p.path, p.key, p.value); err != nil {
				return err
			}
		}
	}
	for _, t := range c.trimmed {
		if err := r.maker.Trim(t.offset, t.sweep); err != nil {
			return err
		}
	}
	for _, o := range c.ops {
		if err := r.maker.Checked(o.op, o.offset, o.sweep); err != nil {
			return err
		}
		r.done += o.op.Count
		if !o.op.Clock.Ahead(r.now) {
			r.clock = max(r.clock, o.op.Clock)
		}
	}
	for _, a := range c.missing {
		k := record.Offset(a.Offset)
		if err := r.maker.Pair([][]byte{schema.Arrivals}, k[:], a.Encode()); err != nil {
			return err
		}
	}
	return nil
}

// finish puts meta as it is to be in another folder than the one that was backed up, and finishes the file.
func (r *restoring) finish(last *reader, done *Restored) error {
	for _, p := range last.s.Pruned {
		leave, err := crdt.ParseSigned(p.Leave)
		if err != nil {
			return last.altered("the leave to forget feed %s: %w", p.Author, err)
		}
		r.maker.Forget(p.Author, refill.Forgotten{Below: p.Below, Sweep: p.Sweep, Leave: leave})
	}
	names, err := namesOf(r.meta)
	if err != nil {
		return last.altered("the names of the arrivals: %w", err)
	}
	names = names.Begin(incarnation.New(), last.s.To, last.s.Sweep)
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
		return last.unfit(last.blocks.at, err)
	}
	report, err := r.maker.Finish(r.now)
	if err != nil {
		return last.unfit(last.blocks.at, err)
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
