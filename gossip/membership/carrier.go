package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/rarely"
	"github.com/quipulog/quipu/gossip/transport"
)

// carrier is memberlist's transport over ours. Nothing passes it that was not opened with the secret and
// read to its end; see seal and checkPacket.
type carrier struct {
	transport *transport.Transport
	advertise netip.AddrPort
	timeout   time.Duration // of a stream, for each way
	seal      *seal
	table     *table
	log       *slog.Logger

	packets chan *memberlist.Packet
	streams chan net.Conn
	crowd   crowd
	serving chan struct{} // a token for each stream that memberlist works on
	once    sync.Once
	done    chan struct{} // closed by Shutdown

	unsealed, badMessages, crowded atomic.Uint64

	relays   int       // pings relayed for others since relaying; pumpPackets owns both
	relaying time.Time // when the present second of relays began
	warned   rarely.Lines[error]

	probing lull // of memberlist's probes
	telling lull // of its rumours
}

var _ memberlist.NodeAwareTransport = (*carrier)(nil)

const (
	// maxServed bounds the streams that memberlist works on at a time; none waits for a peer there.
	maxServed = 4
	// maxRelays bounds the pings that are relayed for others in a second. Each takes a goroutine of
	// memberlist's until it is answered or late.
	maxRelays = 512
)

func newCarrier(cfg Config, t *table, timeout time.Duration) (*carrier, error) {
	seal, err := newSeal(cfg.Transport.GossipKey(), cfg.Log)
	if err != nil {
		return nil, err
	}
	return &carrier{
		transport: cfg.Transport,
		advertise: cfg.Advertise,
		timeout:   timeout,
		seal:      seal,
		table:     t,
		log:       cfg.Logger,
		packets:   make(chan *memberlist.Packet, 256),
		streams:   make(chan net.Conn),
		serving:   make(chan struct{}, maxServed),
		done:      make(chan struct{}),
		probing:   lull{hold: cfg.Profile.probeHold()},
		telling:   lull{hold: tellHold},
	}, nil
}

// pumpPackets hands packets to memberlist until the transport is closed. After Shutdown it drops
// them.
func (c *carrier) pumpPackets() {
	scratch := make([]byte, maxPacket+1)
	for {
		n, from, err := c.transport.ReadPacket(scratch)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n == 0 {
			continue
		}
		plain, err := c.openPacket(scratch[:n])
		if err != nil {
			c.refuse(err, from.String())
			continue
		}
		select {
		case c.packets <- &memberlist.Packet{Buf: plain, From: net.UDPAddrFromAddrPort(from), Timestamp: time.Now()}:
		case <-c.done:
		}
	}
}

// errCrowded is returned for what may pass and is too much.
var errCrowded = errors.New("more than a node has time for")

// openPacket returns what may pass of a packet: what is sealed in it, in memory of its own.
func (c *carrier) openPacket(b []byte) ([]byte, error) {
	if len(b) > maxPacket {
		return nil, errUnsealed
	}
	plain, err := c.seal.openPacket(b)
	if err != nil {
		return nil, err
	}
	packet, err := checkPacket(plain)
	if err != nil {
		return nil, err
	}
	c.stir(packet)
	if packet.relays == 0 {
		return plain, nil
	}
	if now := time.Now(); now.Sub(c.relaying) >= time.Second {
		c.relays, c.relaying = 0, now
	}
	if c.relays += packet.relays; c.relays > maxRelays {
		return nil, errCrowded
	}
	return plain, nil
}

// refuse counts what does not pass. What a holder of the secret has made is worth a warning, now and then.
func (c *carrier) refuse(err error, from string) {
	switch {
	case errors.Is(err, errMessage):
		c.badMessages.Add(1)
		if c.warned.Pass(errMessage, time.Now()) {
			c.log.Warn("a holder of the cluster's secret sends what no member sends", "remote", from, "err", err, c.warned.Repeated(errMessage))
		}
	case errors.Is(err, errUnsealed):
		c.unsealed.Add(1)
	case errors.Is(err, errCrowded):
		c.crowded.Add(1)
	}
}

// pumpStreams hands streams to memberlist until the transport is closed or Shutdown is called.
func (c *carrier) pumpStreams(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var served sync.WaitGroup
	defer served.Wait()
	defer c.crowd.end()
	served.Go(func() {
		defer cancel()
		select {
		case <-c.done:
		case <-ctx.Done():
		}
	})
	for {
		conn, err := c.transport.Accept(ctx, transport.Member)
		if err != nil {
			cancel()
			return
		}
		c.table.meet(conn.Peer(), time.Now())
		served.Go(func() {
			if err := c.serve(ctx, conn); err != nil {
				c.refuse(err, conn.RemoteAddr().String())
			}
		})
	}
}

// serve reads what a peer has to say on a stream that it opened, has memberlist answer it, and closes the
// stream. Memberlist never waits for the peer.
func (c *carrier) serve(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	if c.crowd.enter(conn, time.Now().Add(c.timeout)) {
		c.refuse(errCrowded, "")
	}
	defer c.crowd.leave(conn)
	if err := c.seal.readHeader(conn); err != nil {
		return err
	}
	plain, err := c.seal.readMessage(conn)
	if err == nil {
		err = checkStream(plain, kindPing)
	}
	if err != nil {
		return err
	}
	answer, err := c.answer(ctx, conn, plain)
	if err != nil || len(answer) == 0 || !c.crowd.extend(conn, time.Now().Add(c.timeout)) {
		return err
	}
	_, err = conn.Write(answer)
	return err
}

// answer has memberlist work on a message, and returns what it says, sealed. ctx has ended at the latest
// when memberlist takes no more streams.
func (c *carrier) answer(ctx context.Context, conn net.Conn, plain []byte) ([]byte, error) {
	select {
	case c.serving <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-c.serving }()
	c.telling.stir(time.Now(), soonTold)
	e := newExchange(conn, c.seal, plain)
	select {
	case c.streams <- e:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	<-e.closed
	return e.written, nil
}

// FinalAdvertiseAddr returns the address that members are told.
func (c *carrier) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return c.advertise.Addr().AsSlice(), int(c.advertise.Port()), nil
}

// stir takes note of what a packet means for who is there.
func (c *carrier) stir(packet contents) {
	now := time.Now()
	if packet.has(kindRelay, kindNack, kindSuspect, kindDead) {
		c.probing.stir(now, alarm)
	}
	if packet.has(kindRelay, kindNack, kindSuspect, kindDead, kindAlive) {
		c.telling.stir(now, soonTold)
	}
}

// WriteTo sends a packet to IP:PORT.
func (c *carrier) WriteTo(b []byte, addr string) (time.Time, error) {
	if len(b) > 0 && kind(b[0]) == kindRelay {
		c.stir(contents{kinds: 1 << kindRelay}) // Somebody did not answer a ping of ours.
	}
	to, err := netip.ParseAddrPort(addr)
	if err == nil {
		err = c.transport.WritePacket(c.seal.packet(b), to)
	}
	return time.Now(), err
}

// WriteToAddress is WriteTo; packets have no name on them.
func (c *carrier) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return c.WriteTo(b, a.Addr)
}

// PacketCh returns where packets arrive.
func (c *carrier) PacketCh() <-chan *memberlist.Packet { return c.packets }

// StreamCh returns where streams arrive.
func (c *carrier) StreamCh() <-chan net.Conn { return c.streams }

// DialTimeout opens a stream to whoever answers at addr.
func (c *carrier) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return c.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

// DialAddressTimeout opens a stream to the member that is named; another one that answers there is
// an error.
func (c *carrier) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	var want crdt.Author
	if a.Name != "" {
		var err error
		if want, err = crdt.ParseAuthor(a.Name); err != nil {
			return nil, fmt.Errorf("dial member: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := c.transport.Dial(ctx, a.Addr, transport.Member, want)
	if err != nil {
		return nil, err // not conn: memberlist would take a nil *Conn for a stream
	}
	c.table.meet(conn.Peer(), time.Now())
	c.telling.stir(time.Now(), soonTold)
	return &question{Conn: conn, carrier: c}, nil
}

// Shutdown stops handing anything over. The port itself belongs to whoever opened the transport.
func (c *carrier) Shutdown() error {
	c.once.Do(func() { close(c.done) })
	return nil
}
