package gossip

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/news"
	"github.com/quipulog/quipu/gossip/standing"
	"github.com/quipulog/quipu/gossip/transient"
	"github.com/quipulog/quipu/gossip/transport"
	"github.com/quipulog/quipu/gossip/wallclock"
	"github.com/quipulog/quipu/gossip/wire"
)

// link is the stream between this node and a peer. One goroutine reads it and one writes it; what is
// to be written, they and the loop agree on in the outbox.
//
//	peer ──▶ reader ──▶ applier ──▶ log          reader and loop ask: outbox ──▶ writer ──▶ peer
//	            └─────▶ loop ◀─────────┘                             log ──────────┘
type link struct {
	peer      crdt.Author
	id        linkID
	instance  wire.Instance
	name      string      // what the peer calls itself
	held      []crdt.Head // of our own feed, as the peer said when it greeted
	addr      net.Addr
	dialled   bool          // by this node
	features  wire.Features // that both ends have
	since     time.Time
	conn      *transport.Conn
	out       *outbox
	transient *transient.Lane // what is written when out and the log have nothing
	roots     *roots
	news      *news.Place
	credit    chan struct{} // a place for each run that is read and not applied yet
	clock     wallclock.Peer
	process   *standing.Process // what it says of what it holds; set when the loop takes the link in
	awaited   awaited           // up to where the peer waits for us to hold its own feed

	round      atomic.Uint32               // of our comparison under way; 0 when there is none
	offered    atomic.Pointer[basis]       // what our last offer went by
	pinned     atomic.Int32                // exchanges that need the link: it is not ended for being one too many
	eager      atomic.Bool                 // news is pushed; otherwise it is announced
	conditions atomic.Pointer[[]Condition] // as the peer last told them; nil before that
	program    atomic.Pointer[string]      // the version of the peer's; nil before it has said
	page       atomic.Pointer[string]      // where the peer is asked over HTTP, by its own word; nil before that
	heard      atomic.Int64                // when the last frame came, in ns since 1970

	received atomic.Uint64 // entries that came on it and were new
	sent     atomic.Uint64 // entries that went out on it

	over  chan struct{} // closed when it is served no more
	ended error         // why; read after over
	stop  context.CancelCauseFunc
}

// linkID names the process at the other end of a link. Two with one key, a copy of a node and the node,
// are two peers.
type linkID = crdt.Author

// idOf returns the id of an author's process: SHA-256(author ‖ instance).
func idOf(author crdt.Author, instance wire.Instance) linkID {
	return sha256.Sum256(append(author[:], instance[:]...))
}

// maxUnapplied is how many runs of one link may wait to be applied; then it is not read.
const maxUnapplied = 8

func newLink(conn *transport.Conn, dialled bool, hello wire.Hello, log Log) *link {
	l := &link{
		peer: conn.Peer(),
		id:   idOf(conn.Peer(), hello.Instance), instance: hello.Instance,
		name: hello.Name, held: hello.Held,
		addr:     conn.RemoteAddr(),
		dialled:  dialled,
		features: hello.Features,
		since:    time.Now(),
		conn:     conn,
		out:      newOutbox(),
		roots:    &roots{log: log},
		credit:   make(chan struct{}, maxUnapplied),
		over:     make(chan struct{}),
		stop:     func(error) {}, // until the link is served
	}
	l.heard.Store(l.since.UnixNano())
	return l
}

// both reports whether both ends have a feature.
func (l *link) both(f wire.Features) bool { return l.features&f != 0 }

// lastHeard returns when the last frame came.
func (l *link) lastHeard() time.Time { return time.Unix(0, l.heard.Load()) }

// closing is the reason for which this node ends a link, and what it tells the peer.
type closing struct {
	code wire.Code
	err  error
}

func (c *closing) Error() string { return c.err.Error() }
func (c *closing) Unwrap() error { return c.err }

var (
	errLeaving   = &closing{wire.CodeLeaving, errors.New("this node shuts down")}
	errSpare     = &closing{wire.CodeSpare, errors.New("there is another stream to the peer")}
	errForbidden = &closing{wire.CodeOffence, errors.New("the peer is kept out for a while after an offence")}
	errCrowded   = &closing{wire.CodeOther, errors.New("too many links")}
	errExchanged = &closing{wire.CodeEnough, errors.New("the exchange is over")}
	errEnough    = &closing{wire.CodeEnough, errors.New("this node has links enough without this one")}
)

// farewell bounds the time between deciding to end a link and its end.
const farewell = 250 * time.Millisecond

// serve runs a link until ctx ends, the loop stops it or the stream breaks, and returns why.
func (g *Gossip) serve(ctx context.Context, l *link) error {
	ctx, l.stop = context.WithCancelCause(ctx)
	defer l.stop(nil)
	defer context.AfterFunc(ctx, func() { l.conn.SetDeadline(time.Now().Add(farewell)) })()
	var reading sync.WaitGroup
	defer l.part(ctx, &reading)
	if err := g.loop.open(ctx, l); err != nil {
		l.stop(err)
		return err
	}
	defer l.transient.Open()()
	reading.Go(func() { l.stop((&reader{g: g, l: l}).run(ctx)) })
	l.stop(newWriter(g, l).run(ctx))
	l.ended = context.Cause(ctx)
	close(l.over)
	g.loop.closed(l, l.ended)
	return l.ended
}

// why waits for the end of a link and returns why it ended.
func (l *link) why() error {
	<-l.over
	return l.ended
}

// part says goodbye if this node is the one that leaves, and closes the stream. The peer's last words
// are read and dropped, since closing with unread bytes would take our own last words back.
func (l *link) part(ctx context.Context, reading *sync.WaitGroup) {
	why := errLeaving
	cause := context.Cause(ctx)
	own, ours := errors.AsType[*closing](cause)
	if ours {
		why = own
	}
	if !ours && !errors.Is(cause, context.Canceled) {
		l.conn.NetConn().Close() // It broke, or the peer closed it: there is nothing to say.
	} else if l.bid(why) == nil {
		reading.Wait()                                   // Two must not read a TLS stream at once, not even to drop what they read.
		l.conn.SetReadDeadline(time.Now().Add(farewell)) // The reader may have set a later one meanwhile.
		io.Copy(io.Discard, l.conn)
	}
	l.conn.NetConn().Close()
	reading.Wait()
	l.conn.Close()
}

// bid says goodbye.
func (l *link) bid(why *closing) error {
	l.conn.SetDeadline(time.Now().Add(farewell))
	if _, err := l.conn.Write(wire.Append(nil, wire.Bye{Code: why.code, Text: why.Error()})); err != nil {
		return err
	}
	return l.conn.CloseWrite()
}
