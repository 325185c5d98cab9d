package gateway

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// crowd is the connections that are open. Whoever opens many and shows no token takes the room of nobody who has.
type crowd struct {
	most int // how many there may be

	mu      sync.Mutex // guards what follows
	members map[net.Conn]*member
	refused map[net.Conn]bool // for which there was no room: their first call is told so
}

// member is one connection.
type member struct {
	conn  net.Conn
	calls int       // under way, that a token allows
	since time.Time // when the last of them was over, or it was opened
	full  bool      // there was no room for it
}

// memberKey is the key of the member in the context of a connection.
type memberKey struct{}

// newCrowd returns a crowd without connections.
func newCrowd() crowd {
	return crowd{most: connsFor(openFiles()), members: make(map[net.Conn]*member), refused: make(map[net.Conn]bool)}
}

// connsFor returns how many connections there may be in a process that may open so many files: the log, its commands and
// the links to other nodes always have some.
func connsFor(files uint64) int {
	if files >= maxConns+keptFiles {
		return maxConns
	}
	return int(max(files/2, files-min(files, keptFiles)))
}

// join takes in a connection that was opened, as a ConnContext of [http.Server]. Where there are too many, the one is
// closed that has had no call for longest. If all others have calls, it is this one, whose first call is answered by
// saying so.
func (c *crowd) join(ctx context.Context, conn net.Conn) context.Context {
	m := &member{conn: conn, since: time.Now()}
	c.mu.Lock()
	c.members[conn] = m
	var out *member
	if len(c.members) > c.most {
		for _, other := range c.members {
			if other.calls == 0 && (out == nil || other.since.Before(out.since)) {
				out = other
			}
		}
	}
	if out != nil {
		delete(c.members, out.conn)
	}
	if out == m && len(c.refused) < maxRefused {
		m.full, c.refused[conn], out = true, true, nil
	}
	c.mu.Unlock()
	if out != nil {
		closeNow(out.conn)
	}
	return context.WithValue(ctx, memberKey{}, m)
}

// closeNow closes a connection without a farewell, for which TLS would wait.
func closeNow(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	_ = conn.Close() // it is given up
}

// watch forgets a connection that was closed, as a ConnState of [http.Server].
func (c *crowd) watch(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members, conn)
	delete(c.refused, conn)
}

// isFull reports whether there was no room for the connection that a context is of.
func isFull(ctx context.Context) bool {
	m, ok := ctx.Value(memberKey{}).(*member)
	return ok && m.full
}

// enter says that a call that a token allows is under way in a connection, until leave is called.
func (c *crowd) enter(m *member) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.calls++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		m.calls--
		m.since = time.Now()
	}
}
