package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"

	"github.com/quipulog/quipu/crdt"
)

// Conn is a stream to a peer whose key and secret have been checked. Its methods are those of a
// [net.Conn]: one goroutine may read while another writes, and Close ends both.
type Conn struct {
	*tls.Conn
	peer  crdt.Author
	proto Proto
	from  role
	open  *openConns
}

// Peer returns the author at the other end: it holds that key. It may be our own author, when the
// node dialled itself or its key was copied.
func (c *Conn) Peer() crdt.Author { return c.peer }

// Proto returns the protocol agreed on.
func (c *Conn) Proto() Proto { return c.proto }

// Close says goodbye to the peer and closes the stream. It waits at most 5 s for room to say it.
func (c *Conn) Close() error {
	c.open.remove(c)
	return c.Conn.Close()
}

// abort closes the stream without a word, and without waiting.
func (c *Conn) abort() error { return c.NetConn().Close() }

// errFull and errPeerFull say which limit of the open connections was reached.
var (
	errFull     = errors.New("too many connections")
	errPeerFull = errors.New("too many connections of one peer")
)

// openConns is the set of connections whose peer is known.
type openConns struct {
	max, maxPerPeer int // bounds on accepted connections; dialled ones are the caller's own doing

	mu sync.Mutex
	// The fields below are guarded by mu.

	all      map[*Conn]bool
	accepted map[crdt.Author]int // accepted connections by author; no zeros
	total    int                 // sum of accepted
	closed   bool
}

// add takes c in, or says which limit forbids it, or net.ErrClosed.
func (o *openConns) add(c *Conn) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return net.ErrClosed
	}
	if c.from == accepting {
		switch {
		case o.total >= o.max:
			return errFull
		case o.accepted[c.peer] >= o.maxPerPeer:
			return errPeerFull
		}
		o.accepted[c.peer]++
		o.total++
	}
	o.all[c] = true
	return nil
}

// remove lets go of c. Removing it twice is no error.
func (o *openConns) remove(c *Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.all[c] {
		return
	}
	delete(o.all, c)
	if c.from == accepting {
		o.total--
		if o.accepted[c.peer]--; o.accepted[c.peer] == 0 {
			delete(o.accepted, c.peer)
		}
	}
}

// count returns how many connections are open.
func (o *openConns) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.all)
}

// close aborts every connection and takes no more.
func (o *openConns) close() {
	o.mu.Lock()
	o.closed = true
	conns := make([]*Conn, 0, len(o.all))
	for c := range o.all {
		conns = append(conns, c)
	}
	o.mu.Unlock()
	for _, c := range conns {
		c.abort()
		o.remove(c)
	}
}
