package recorder

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/quipulog/quipu/eventlog/whole"
)

// spill keeps events in files until they are in the log. Records are appended to the last file; the
// first one is read, and removed once all of it is in the log:
//
//	NAME-00000000000000002049.spill   read from off on
//	NAME-00000000000000009120.spill
//	NAME-00000000000000016191.spill   written to
//
// Everything but read and the open file that it reads is guarded by the recorder's lock.
type spill struct {
	files  *files
	header []byte // what each file begins with
	max    int64  // bytes of all files

	segments []*segment // oldest first
	off      int64      // of the first record of the first one that waits
	reached  uint64     // the number before that record, or less
	waiting  records
	bytes    int64 // of all segments
	// from is the number of the first event that came while none waited: what is in the buffer is all
	// older or all newer.
	from uint64

	// broken holds the numbers behind which New found a file damaged, or cut short by a crash.
	broken []uint64

	w        *os.File // of the last segment; nil when the next record begins another
	unsynced int      // records in it that no sync has covered
	scratch  []byte

	r     *os.File // of the segment at path rPath
	rPath string
}

// segment is one file.
type segment struct {
	path    string
	size    int64 // bytes of it that count
	numbers spans // of its records
	waiting records
	broken  bool // what followed size could not be read when it was found
}

// records counts records of a spill.
type records struct {
	all  uint64
	gaps uint64 // those of them that name lost events
}

// events returns how many of the records are events.
func (n records) events() uint64 { return n.all - n.gaps }

func (n *records) add(lost bool) {
	n.all++
	if lost {
		n.gaps++
	}
}

func (n *records) sub(m records) { n.all, n.gaps = n.all-m.all, n.gaps-m.gaps }

var errSpillFull = errors.New("the spill is full")

// append writes an item behind all others. counted is called once it is written: when that fails, it
// was not.
func (s *spill) append(it *item, counted func() error) error {
	var err error
	if s.scratch, err = appendFrame(s.scratch[:0], it); err != nil {
		return err
	}
	frame := s.scratch
	if s.waiting.all > 0 && s.bytes+int64(len(frame)) > s.max {
		return fmt.Errorf("%w: %d bytes wait in %s, Config.SpillBytes allows %d", errSpillFull, s.bytes, s.files.dir, s.max)
	}
	if err := s.rotate(it.number); err != nil {
		return err
	}
	seg := s.segments[len(s.segments)-1]
	_, err = s.w.WriteAt(frame, seg.size)
	if err == nil {
		err = counted()
	}
	if err != nil {
		_ = s.w.Truncate(seg.size) // what stays is written over by the next record, or fails its checksum
		return err
	}
	s.added(seg, it, int64(len(frame)))
	return nil
}

func (s *spill) added(seg *segment, it *item, size int64) {
	if s.waiting.all == 0 {
		s.from = it.number
	}
	first := it.number
	if it.lost != nil {
		first = it.lost.First
	}
	seg.numbers = seg.numbers.add(span{first, it.number})
	seg.size += size
	s.bytes += size
	s.waiting.add(it.lost != nil)
	seg.waiting.add(it.lost != nil)
	s.unsynced++
}

// sync makes what was appended durable. After an error it is tried again at the next event.
func (s *spill) sync() error {
	if s.w == nil || s.unsynced == 0 {
		return nil
	}
	if err := s.w.Sync(); err != nil {
		return err
	}
	s.unsynced = 0
	return nil
}

// rotate sees to it that the last segment can take a record.
func (s *spill) rotate(number uint64) error {
	if s.w != nil && s.segments[len(s.segments)-1].size < s.max/spillSegments {
		return nil
	}
	if err := s.retire(); err != nil {
		return err
	}
	path := s.files.segment(number)
	w, err := createWith(path, s.header)
	if err != nil {
		return err
	}
	s.w = w
	s.segments = append(s.segments, &segment{path: path, size: int64(len(s.header))})
	s.bytes += int64(len(s.header))
	if len(s.segments) == 1 {
		s.off = int64(len(s.header))
	}
	return nil
}

// retire ends the segment that is written to.
func (s *spill) retire() error {
	if s.w == nil {
		return nil
	}
	if err := s.sync(); err != nil {
		return err
	}
	err := s.w.Close()
	s.w = nil
	return err
}

// park writes items to a segment of their own, durably. older says that they stand before all that
// waits.
func (s *spill) park(items []item, older bool) error {
	if len(items) == 0 {
		return s.sync()
	}
	if err := s.retire(); err != nil {
		return err
	}
	path := s.files.segment(items[0].number)
	seg := &segment{path: path, size: int64(len(s.header))}
	all := slices.Clone(s.header)
	for i := range items {
		var err error
		if all, err = appendFrame(all, &items[i]); err != nil {
			return err
		}
	}
	w, err := createWith(path, all)
	if err != nil {
		return err
	}
	if err := errors.Join(w.Sync(), w.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	at := len(s.segments)
	if older {
		at = 0
	}
	s.segments = slices.Insert(s.segments, at, seg)
	if at == 0 {
		s.off = seg.size
	}
	s.bytes += seg.size
	for i := range items {
		s.added(seg, &items[i], 0)
	}
	if older {
		s.from = items[0].number
	}
	s.bytes += int64(len(all)) - seg.size
	seg.size, s.unsynced = int64(len(all)), 0
	return nil
}

// read returns the next records of a segment from off on, up to maxFlush and about most bytes, and the
// offset after them. It may run while records are appended: seg is a copy.
func (s *spill) read(seg segment, off int64, most int) (items []item, next int64, err error) {
	if s.rPath != seg.path {
		s.closeReader()
		if s.r, err = os.Open(seg.path); errors.Is(err, fs.ErrNotExist) {
			return nil, off, fmt.Errorf("%w: %w", errBroken, err)
		} else if err != nil {
			return nil, off, err
		}
		s.rPath = seg.path
	}
	from := io.NewSectionReader(s.r, off, seg.size-off)
	frames := frameReader{r: bufio.NewReaderSize(from, 64<<10)}
	for bytes := 0; len(items) < maxFlush && bytes < most; {
		it, err := frames.nextItem()
		if err != nil && len(items) == 0 {
			if err == io.EOF {
				err = fmt.Errorf("%w: it ends before its last record", errBroken)
			}
			return nil, off, err
		}
		if err != nil {
			break // it is met again by the next read
		}
		items = append(items, it)
		bytes += it.size()
		next = off + frames.read
	}
	return items, next, nil
}

func (s *spill) closeReader() {
	if s.r != nil {
		_ = s.r.Close()
	}
	s.r, s.rPath = nil, ""
}

// giveUp ends the first segment where it is, and returns it with the numbers in it that wait.
func (s *spill) giveUp() (*segment, spans, error) {
	if len(s.segments) == 1 {
		if err := s.retire(); err != nil {
			return nil, nil, err
		}
	}
	seg := s.segments[0]
	return seg, seg.numbers.above(s.reached), nil
}

// settled takes n records up to off, the last of which has the given number, out of the first segment,
// and removes that when it has no more.
func (s *spill) settled(n records, off int64, number uint64) error {
	seg := s.segments[0]
	s.waiting.sub(n)
	seg.waiting.sub(n)
	s.off, s.reached = off, number
	if off < seg.size {
		return nil
	}
	return s.removeFirst()
}

// removeFirst removes the first segment.
func (s *spill) removeFirst() error {
	seg := s.segments[0]
	if len(s.segments) == 1 && s.w != nil {
		_ = s.w.Close() // nothing in it is needed any more
		s.w, s.unsynced = nil, 0
	}
	s.segments = s.segments[1:]
	s.bytes -= seg.size
	s.off = int64(len(s.header))
	if s.rPath == seg.path {
		s.closeReader()
	}
	if err := os.Remove(seg.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a spill file that is in the log: %w", err)
	}
	return nil
}

// close closes the files. What is in them stays.
func (s *spill) close() error {
	s.closeReader()
	return s.retire()
}

// createWith makes a file that is not there yet, with its first bytes, and leaves it open.
func createWith(path string, b []byte) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.WriteAt(b, 0); err == nil {
		err = whole.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return f, nil
}
