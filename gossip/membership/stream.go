package membership

import (
	"bytes"
	"net"
	"slices"
	"sync"
	"time"
)

// exchange is a stream that a peer has opened, as memberlist sees it: what came was read and checked
// before, and what goes is kept until memberlist has closed it.
type exchange struct {
	net.Conn // for its addresses
	seal     *seal
	in       *bytes.Reader
	written  []byte
	once     sync.Once
	closed   chan struct{}
}

func newExchange(conn net.Conn, s *seal, in []byte) *exchange {
	return &exchange{Conn: conn, seal: s, in: bytes.NewReader(in), closed: make(chan struct{})}
}

// Read reads what came.
func (e *exchange) Read(b []byte) (int, error) { return e.in.Read(b) }

// Write takes a whole message, as memberlist writes them.
func (e *exchange) Write(b []byte) (int, error) {
	e.written = append(e.written, e.seal.message(b)...)
	return len(b), nil
}

// Close says that memberlist is done.
func (e *exchange) Close() error {
	e.once.Do(func() { close(e.closed) })
	return nil
}

// SetDeadline has nothing to do: nobody waits here.
func (e *exchange) SetDeadline(time.Time) error { return nil }

// question is a stream that memberlist has opened: it writes one message and reads the answer.
type question struct {
	net.Conn
	carrier *carrier
	asked   bool
	in      *bytes.Reader // nil until the answer has come
}

// Write takes a whole message, as memberlist writes them.
func (q *question) Write(b []byte) (int, error) {
	sealed := q.carrier.seal.message(b)
	if !q.asked {
		sealed = slices.Concat(q.carrier.seal.header, sealed)
	}
	q.asked = true
	if _, err := q.Conn.Write(sealed); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Read reads the answer, once all of it has come and was checked.
func (q *question) Read(b []byte) (int, error) {
	if q.in == nil {
		plain, err := q.carrier.seal.readMessage(q.Conn)
		if err == nil {
			err = checkStream(plain, kindAck)
		}
		if err != nil {
			q.carrier.refuse(err, q.RemoteAddr().String())
			return 0, err
		}
		q.in = bytes.NewReader(plain)
	}
	return q.in.Read(b)
}

// maxStreams bounds the streams that peers have opened and that are being read, served or answered. Each
// takes no more than a few times maxMessage, and next to nothing before something has come.
const maxStreams = 16

// crowd is the streams that peers have opened. When there are too many, the oldest gives way, so that
// peers who keep silent keep nobody out.
type crowd struct {
	mu sync.Mutex
	// The fields below are guarded by mu.

	conns []net.Conn // the oldest first
	over  bool
}

// enter takes a stream in, sets its deadline, and reports whether another had to go.
func (c *crowd) enter(conn net.Conn, deadline time.Time) (crowded bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		deadline = time.Now()
	}
	conn.SetDeadline(deadline)
	c.conns = append(c.conns, conn)
	if len(c.conns) <= maxStreams {
		return false
	}
	c.conns[0].SetDeadline(time.Now())
	c.conns = slices.Delete(c.conns, 0, 1)
	return true
}

// extend sets the deadline of a stream anew, and reports false if it had to go.
func (c *crowd) extend(conn net.Conn, deadline time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.conns, conn) || c.over {
		return false
	}
	return conn.SetDeadline(deadline) == nil
}

// leave takes a stream out.
func (c *crowd) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.conns, conn); i >= 0 {
		c.conns = slices.Delete(c.conns, i, i+1)
	}
}

// end makes all streams give way, those too that are still to come.
func (c *crowd) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for _, conn := range c.conns {
		conn.SetDeadline(time.Now())
	}
}
