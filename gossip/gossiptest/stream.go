package gossiptest

import (
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// window is how many bytes may be under way or unread in one direction of a stream before its writer
// has to wait. A single Write may go beyond it.
const window = 1 << 20

// segment is what one Write put on the way, or the end of the stream.
type segment struct {
	due   time.Time // when it can be read, if those before it were
	bytes []byte
	err   error // io.EOF when the sender closed, ECONNRESET when it crashed; then there are no bytes
}

// stream is one end of a connection. The fields below peer are guarded by the network's mutex.
type stream struct {
	host *Host
	at   netip.AddrPort
	peer *stream // the other end

	arriving      []segment // sent by peer, not read yet
	size          int       // bytes in arriving
	err           error     // what every call returns from now on: this end is closed or was reset
	readDeadline  time.Time
	writeDeadline time.Time
	changed       chan struct{} // closed and replaced when any of the above may have changed
}

// outcome is what came of trying to read or write.
type outcome struct {
	n     int
	err   error
	wait  bool      // nothing came of it yet: try again after a change
	until time.Time // or at this moment, unless zero
}

func newStream(h *Host, at netip.AddrPort) *stream {
	return &stream{host: h, at: at, changed: make(chan struct{})}
}

// LocalAddr returns the address of this end.
func (s *stream) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(s.at) }

// RemoteAddr returns the address of the other end.
func (s *stream) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.peer.at) }

// Read waits for bytes. What the peer wrote before it closed can be read after it closed.
func (s *stream) Read(b []byte) (int, error) {
	n, err := s.attempt(&s.readDeadline, func() outcome { return s.tryRead(b) })
	if err != nil && err != io.EOF {
		err = s.opError("read", err)
	}
	return n, err
}

// Write waits for room and takes b whole.
func (s *stream) Write(b []byte) (int, error) {
	n, err := s.attempt(&s.writeDeadline, func() outcome { return s.tryWrite(b) })
	if err != nil {
		err = s.opError("write", err)
	}
	return n, err
}

// attempt calls try, with the network's mutex held, until something comes of it or deadline passes.
func (s *stream) attempt(deadline *time.Time, try func() outcome) (int, error) {
	mu := &s.host.net.mu
	for {
		mu.Lock()
		until, changed := *deadline, s.changed
		var out outcome
		switch {
		case s.err != nil:
			out = outcome{err: s.err}
		case !until.IsZero() && !time.Now().Before(until):
			out = outcome{err: os.ErrDeadlineExceeded}
		default:
			out = try()
		}
		mu.Unlock()
		if !out.wait {
			return out.n, out.err
		}
		if until.IsZero() || !out.until.IsZero() && out.until.Before(until) {
			until = out.until
		}
		await(changed, until)
	}
}

// await waits for changed to be closed or for a moment to come, if it is not zero.
func await(changed <-chan struct{}, until time.Time) {
	if until.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

// tryRead reads what has arrived. The caller holds the network's mutex.
func (s *stream) tryRead(b []byte) outcome {
	if len(b) == 0 {
		return outcome{}
	}
	if len(s.arriving) == 0 || s.host.net.link(s.peer.host, s.host).blocked {
		return outcome{wait: true}
	}
	first := &s.arriving[0]
	switch {
	case first.due.After(time.Now()):
		return outcome{wait: true, until: first.due}
	case first.err != nil:
		return outcome{err: first.err}
	}
	n := copy(b, first.bytes)
	first.bytes = first.bytes[n:]
	if len(first.bytes) == 0 {
		*first = segment{} // lets go of the bytes
		s.arriving = s.arriving[1:]
	}
	s.size -= n
	s.peer.wake()
	return outcome{n: n}
}

// tryWrite puts b on the way. The caller holds the network's mutex.
func (s *stream) tryWrite(b []byte) outcome {
	n := s.host.net
	switch {
	case s.peer.err != nil && n.reachable(s.host, s.peer.host):
		return outcome{err: os.NewSyscallError("write", syscall.ECONNRESET)}
	case s.peer.size >= window:
		return outcome{wait: true}
	case len(b) == 0:
		return outcome{}
	}
	n.link(s.host, s.peer.host).traffic.StreamBytes += uint64(len(b))
	s.send(segment{bytes: append([]byte(nil), b...)})
	return outcome{n: len(b)}
}

// send puts a segment on the way, behind those that went before. The caller holds the network's
// mutex.
func (s *stream) send(g segment) {
	p := s.peer
	if p.err != nil {
		return // Nobody will read it.
	}
	n := s.host.net
	l := n.link(s.host, p.host)
	g.due = l.through(len(g.bytes)).Add(n.delay(l))
	p.arriving = append(p.arriving, g)
	p.size += len(g.bytes)
	p.wake()
}

// Close ends the stream. The peer can still read what was written before.
func (s *stream) Close() error {
	s.host.net.mu.Lock()
	defer s.host.net.mu.Unlock()
	switch s.err {
	case net.ErrClosed:
		return s.opError("close", net.ErrClosed)
	case nil:
		s.send(segment{err: io.EOF})
	}
	s.end(net.ErrClosed)
	return nil
}

// crash closes this end as a killed process does. The caller holds the network's mutex.
func (s *stream) crash() {
	s.send(segment{err: os.NewSyscallError("read", syscall.ECONNRESET)})
	s.end(net.ErrClosed)
}

// end makes every call on this end return err. The caller holds the network's mutex.
func (s *stream) end(err error) {
	s.err = err
	s.arriving, s.size = nil, 0
	delete(s.host.net.streams, s)
	s.wake()
	s.peer.wake()
}

// SetDeadline sets both deadlines; the zero time means none.
func (s *stream) SetDeadline(t time.Time) error {
	return s.setDeadlines(t, &s.readDeadline, &s.writeDeadline)
}

// SetReadDeadline sets the moment at which reads give up.
func (s *stream) SetReadDeadline(t time.Time) error { return s.setDeadlines(t, &s.readDeadline) }

// SetWriteDeadline sets the moment at which writes give up.
func (s *stream) SetWriteDeadline(t time.Time) error { return s.setDeadlines(t, &s.writeDeadline) }

func (s *stream) setDeadlines(t time.Time, deadlines ...*time.Time) error {
	s.host.net.mu.Lock()
	defer s.host.net.mu.Unlock()
	if s.err == net.ErrClosed {
		return s.opError("set", net.ErrClosed)
	}
	for _, d := range deadlines {
		*d = t
	}
	s.wake()
	return nil
}

// wake lets waiting calls look again. The caller holds the network's mutex.
func (s *stream) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stream) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}
