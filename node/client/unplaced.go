package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/node/api"
)

// maxUnplaced bounds the lines that are kept until they have a place, in bytes: one is kept however long it is.
const maxUnplaced = 16 << 20

// unplaced are lines that were read and have no place yet, so that they can be sent again. One goroutine reads them, and what
// sends them waits for more.
type unplaced struct {
	mu      sync.Mutex // guards what follows
	lines   []sent
	number  int // of the first of them, or of the one that comes next
	bytes   int
	ended   error // why no more comes; io.EOF at the end
	stopped bool
	changed chan struct{} // closed when something of this changes
}

// sent is a line, with its end if it had one.
type sent struct {
	text  []byte
	empty bool // it holds no event, and gets no place
}

// size is what it counts for: nothing while it waits for no place.
func (s sent) size() int {
	if s.empty {
		return 0
	}
	return len(s.text)
}

func newUnplaced(r io.Reader) *unplaced {
	u := &unplaced{number: 1, changed: make(chan struct{})}
	go u.read(r)
	return u
}

// read reads all lines. One that no node takes is the last, cut off where that shows.
func (u *unplaced) read(r io.Reader) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		var line []byte
		var err error
		for err = bufio.ErrBufferFull; errors.Is(err, bufio.ErrBufferFull) && len(line) <= api.MaxLine+1; {
			var part []byte
			part, err = in.ReadSlice('\n')
			line = append(line, part...)
		}
		if len(line) > api.MaxLine+1 && err != nil {
			err = io.EOF
		}
		if !u.add(line, err) || err != nil {
			return
		}
	}
}

// add adds a line once there is room, and why it is the last, if it is. It reports whether anybody wants more.
func (u *unplaced) add(line []byte, err error) bool {
	text, wrong := bom.Strip(line)
	s := sent{line, wrong == nil && len(bytes.TrimSpace(text)) == 0}
	if s.empty && len(line) > 0 {
		s.text = []byte{'\n'} // it counts as a line, and no more
	}
	for {
		u.mu.Lock()
		full := len(u.lines) > 0 && u.bytes+s.size() > maxUnplaced
		if u.stopped || !full {
			if len(line) > 0 {
				u.lines, u.bytes = append(u.lines, s), u.bytes+s.size()
			}
			u.ended = err
			u.change()
			stopped := u.stopped
			u.mu.Unlock()
			return !stopped
		}
		changed := u.changed
		u.mu.Unlock()
		<-changed
	}
}

// change wakes who waits. The caller has the lock.
func (u *unplaced) change() {
	close(u.changed)
	u.changed = make(chan struct{})
}

// stop says that nobody wants more.
func (u *unplaced) stop() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stopped, u.lines = true, nil
	u.change()
}

// first returns the number of the first line that has no place.
func (u *unplaced) first() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.number
}

// placed says that the first event has a place.
func (u *unplaced) placed() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for more := true; more && len(u.lines) > 0; u.number++ {
		more = u.lines[0].empty
		u.bytes -= u.lines[0].size()
		u.lines[0] = sent{}
		u.lines = u.lines[1:]
	}
	u.change()
}

// failed reports whether the lines could not be read to their end.
func (u *unplaced) failed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ended != nil && !errors.Is(u.ended, io.EOF)
}

// body returns what sends all lines from the first that has no place.
func (u *unplaced) body() *unplacedBody {
	return &unplacedBody{u: u, next: u.first(), closed: make(chan struct{})}
}

// unplacedBody reads lines. Its Close ends a Read that waits.
type unplacedBody struct {
	u      *unplaced
	next   int    // the number of the line that is read next
	rest   []byte // of the one before it
	once   sync.Once
	closed chan struct{}
}

func (b *unplacedBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		line, changed, err := b.take()
		if err != nil {
			return 0, err
		}
		if b.rest = line; line != nil {
			break
		}
		select {
		case <-changed:
		case <-b.closed:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// take returns the next line, or what tells of more.
func (b *unplacedBody) take() (line []byte, changed chan struct{}, err error) {
	b.u.mu.Lock()
	defer b.u.mu.Unlock()
	i := b.next - b.u.number
	switch {
	case b.u.stopped || i < 0: // a place came for what was not sent: the node has it from before
		return nil, nil, io.ErrClosedPipe
	case i < len(b.u.lines):
		b.next++
		return b.u.lines[i].text, nil, nil
	case b.u.ended != nil:
		return nil, nil, b.u.ended
	}
	return nil, b.u.changed, nil
}

// Close ends a Read that waits.
func (b *unplacedBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}
