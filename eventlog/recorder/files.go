package recorder

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrOtherLog is returned by [New] when the folder holds spilled events of another log.
var ErrOtherLog = errors.New("the folder holds spilled events of another log")

// files are those of one recorder in its folder:
//
//	NAME-FIRST.spill    spilled events; FIRST is the number of the first one, 20 digits
//	NAME-SESSION.count  how many events a run of the recorder has taken, see countFile
type files struct {
	dir, name string
}

func (f *files) segment(first uint64) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s-%020d.spill", f.name, first))
}

func (f *files) count(session string) string {
	return filepath.Join(f.dir, f.name+"-"+session+".count")
}

var (
	segmentName = regexp.MustCompile(`^[0-9]{20}\.spill$`)
	countName   = regexp.MustCompile(`^[0-9a-f]{16}\.count$`)
)

// list returns the paths of the recorder's files that are there, the segments in order.
func (f *files) list() (segments, counts []string, err error) {
	entries, err := os.ReadDir(f.dir) // sorted by name
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), f.name+"-")
		switch path := filepath.Join(f.dir, e.Name()); {
		case !ours:
		case segmentName.MatchString(rest):
			segments = append(segments, path)
		case countName.MatchString(rest):
			counts = append(counts, path)
		}
	}
	return segments, counts, nil
}

// spillHeader returns the line that a spill file of this log begins with.
func spillHeader(origin string) []byte { return []byte("quipu spill 1 " + origin + "\n") }

// openSpill reads which events above settled are in files. Those that hold none are removed by sweep,
// once what New does is in the log.
func openSpill(f *files, header []byte, limit int64, settled uint64) (*spill, error) {
	s := &spill{files: f, header: header, max: limit, off: int64(len(header))}
	segments, _, err := f.list()
	if err != nil {
		return nil, err
	}
	for _, path := range segments {
		seg, off, err := scan(path, header, settled)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if seg.broken {
			s.broken = append(s.broken, max(settled, seg.numbers.last()))
		}
		if seg.waiting.all == 0 {
			continue
		}
		if len(s.segments) == 0 {
			s.off = off
		}
		s.segments = append(s.segments, seg)
		s.bytes += seg.size
		s.waiting.all += seg.waiting.all
		s.waiting.gaps += seg.waiting.gaps
	}
	s.reached = settled
	if waits := s.numbers(); len(waits) > 0 {
		s.from = waits[0].First
	}
	return s, nil
}

// numbers returns the numbers of all events in the files that wait.
func (s *spill) numbers() (all spans) {
	for _, seg := range s.segments {
		for _, x := range seg.numbers.above(s.reached) {
			all = all.add(x)
		}
	}
	return all
}

// scan reads the numbers above settled in a segment: which records have one, and where the first of
// them begins. A record that is not whole ends it.
func scan(path string, header []byte, settled uint64) (seg *segment, off int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	seg = &segment{path: path, size: int64(len(header))}
	off = seg.size
	r := bufio.NewReaderSize(f, 1<<20)
	begin := make([]byte, len(header))
	switch _, err := io.ReadFull(r, begin); {
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		return seg, off, nil // a crash came before its first record
	case err != nil:
		return nil, 0, err
	case !bytes.Equal(begin, header):
		return nil, 0, fmt.Errorf("%w: move the file away, or give the recorder another Config.Dir", ErrOtherLog)
	}
	frames := frameReader{r: r}
	for {
		numbers, text, err := frames.next()
		if err == nil && numbers.First <= seg.numbers.last() {
			err = fmt.Errorf("%w: a record out of order", errBroken)
		}
		if err == io.EOF || errors.Is(err, errBroken) {
			seg.broken = err != io.EOF
			return seg, off, nil
		}
		if err != nil {
			return nil, 0, err
		}
		seg.numbers = seg.numbers.add(numbers)
		seg.size = int64(len(header)) + frames.read
		if numbers.Last <= settled {
			off = seg.size
		} else {
			seg.waiting.add(isGap(numbers, text))
		}
	}
}

// sweep removes the files that are not needed: counts of runs before this one, and segments all of
// which is in the log.
func (f *files) sweep(session string, s *spill) error {
	segments, counts, err := f.list()
	if err != nil {
		return err
	}
	needed := map[string]bool{f.count(session): true}
	for _, seg := range s.segments {
		needed[seg.path] = true
	}
	for _, path := range append(segments, counts...) {
		if !needed[path] {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}
