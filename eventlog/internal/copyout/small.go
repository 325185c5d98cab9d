package copyout

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/internal/arrivals"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/schema"
	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// small is the small part of a backup, in a file of its own.
type small struct {
	file *os.File
	w    *bufio.Writer
	b    []byte
	// damaged are the buckets that cannot be read to their end, by their path.
	damaged map[string]damaged
	in      string // the bucket that is being read
	read    int    // how many keys of it were
	last    item   // the op that had arrived last
	pruned  uint64 // how many entries the records say were
}

// damaged is how a bucket is damaged, behind how many keys.
type damaged struct {
	after int
	err   error
}

// newSmall makes the file for a small part in a folder, "" for the system's own. The caller drops it.
func newSmall(dir string) (*small, error) {
	file, err := sys.CreateTemp(dir, "quipu-backup-*")
	if err != nil {
		return nil, fmt.Errorf("keep the small part of a backup: %w", err)
	}
	_ = sys.Remove(file.Name()) // a kill leaves nothing, where a file that is open can lose its name
	return &small{file: file, w: bufio.NewWriterSize(sys.Writer{File: file}, 1<<20), damaged: make(map[string]damaged)}, nil
}

func (s *small) drop() {
	_ = s.file.Close()
	_ = sys.Remove(s.file.Name())
}

// take copies the small part in one transaction. Damage ends a transaction, so where a bucket is damaged the copy is made
// once more, in another, and that bucket is copied up to the damage.
func (s *small) take(src *Source) error {
	for {
		s.in = ""
		all := false
		err := src.View(func(tx *disk.Tx) error {
			err := s.copy(tx, src.Meta)
			if all = err == nil && tx.Err() == nil; all {
				err = s.takeLast(tx)
			}
			return err
		})
		if err != nil && all && src.Damaged(err) {
			err = nil // it is told where all ops are read
		}
		if _, known := s.damaged[s.in]; err == nil || s.in == "" || known || !src.Damaged(err) {
			return errors.Join(err, s.w.Flush())
		}
		s.damaged[s.in] = damaged{s.read, err}
	}
}

func (s *small) copy(tx *disk.Tx, meta func(tx *disk.Tx) (map[string][]byte, error)) error {
	s.w.Reset(sys.Writer{File: s.file})
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := sys.Truncate(s.file, 0); err != nil {
		return err
	}
	all, err := meta(tx)
	if err != nil {
		return err
	}
	for k, v := range all {
		if err := s.put([][]byte{schema.Meta}, []byte(k), v); err != nil {
			return err
		}
	}
	s.pruned = 0
	for _, name := range schema.Small {
		if bytes.Equal(name, schema.Meta) {
			continue
		}
		if err := s.bucket(tx.Tree(name), [][]byte{name}); err != nil {
			return err
		}
	}
	return nil
}

// takeLast keeps the op that had arrived last.
func (s *small) takeLast(tx *disk.Tx) error {
	c := arrivals.Of(tx).Cursor()
	k, v := c.Last()
	if k == nil {
		return c.Err()
	}
	a, err := record.ParseArrival(k, v)
	if err != nil {
		return err
	}
	value, _, err := valueOf(tx.Tree(schema.Ops).Child(a.Author[:]).Growing(), a)
	if tx.Err() == nil {
		s.last = item{arrival: a, value: bytes.Clone(value), err: err}
	}
	return nil
}

// bucket copies a bucket, and then those in it.
func (s *small) bucket(t *disk.Tree, path [][]byte) error {
	s.in, s.read = string(bytes.Join(path, []byte("/"))), 0
	damaged, stops := s.damaged[s.in]
	if stops && damaged.after == 0 {
		return nil
	}
	var inner [][]byte
	c := t.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v == nil {
			inner = append(inner, bytes.Clone(k))
		} else if s.in == string(schema.Feeds) {
			v = s.feed(k, v)
		}
		if v != nil {
			if err := s.put(path, k, v); err != nil {
				return err
			}
		}
		if s.read++; stops && s.read == damaged.after {
			break
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	for _, name := range inner {
		child := t.Child(name)
		if child == nil {
			return c.Err()
		}
		if err := s.bucket(child, append(path[:len(path):len(path)], name)); err != nil {
			return err
		}
	}
	return nil
}

// feed returns a feed's record as it is in a backup, where all ops have arrivals, or nil if it is not sound, and counts
// what it says was pruned.
func (s *small) feed(k, v []byte) []byte {
	err := record.ErrLength
	if len(k) == len(crdt.Author{}) {
		var f *record.Feed
		if f, err = record.ParseFeed(crdt.Author(k), v); err == nil {
			s.pruned += f.Pruned
			f.Late = record.Late{}
			return f.Encode(f.Feed.Author)
		}
	}
	s.damaged[fmt.Sprintf("the record of feed %x", k)] = damaged{err: err}
	return nil
}

// put writes a pair behind its length.
func (s *small) put(path [][]byte, k, v []byte) error {
	s.b = backup.AppendPair(append(s.b[:0], 0, 0, 0, 0), path, k, v)
	binary.BigEndian.PutUint32(s.b, uint32(len(s.b)-4))
	_, err := s.w.Write(s.b)
	return err
}

// write writes what was copied, and notes what is damaged.
func (s *small) write(w *backup.Writer) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(s.file, 1<<20)
	for {
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("read the small part of a backup: %w", err)
		}
		s.b = append(s.b[:0], make([]byte, binary.BigEndian.Uint32(length[:]))...)
		if _, err := io.ReadFull(r, s.b); err != nil {
			return fmt.Errorf("read the small part of a backup: %w", err)
		}
		if err := w.Small(s.b); err != nil {
			return err
		}
	}
	for name, d := range s.damaged {
		w.Damaged(backup.Damage{What: fmt.Sprintf("%s, behind %d keys: %v", name, d.after, d.err)})
	}
	return nil
}
