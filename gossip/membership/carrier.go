package membership

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
)

// carrier is memberlist's transport over ours.
type carrier struct {
	transport *transport.Transport
	advertise netip.AddrPort
	packets   chan *memberlist.Packet
	streams   chan net.Conn
	once      sync.Once
	done      chan struct{} // closed by Shutdown
}

var _ memberlist.NodeAwareTransport = (*carrier)(nil)

func newCarrier(t *transport.Transport, advertise netip.AddrPort) *carrier {
	return &carrier{
		transport: t,
		advertise: advertise,
		packets:   make(chan *memberlist.Packet, 256),
		streams:   make(chan net.Conn),
		done:      make(chan struct{}),
	}
}

// maxPacket is the largest packet that UDP carries, in bytes.
const maxPacket = 64 << 10

// pumpPackets hands packets to memberlist until the transport is closed. After Shutdown it drops
// them.
func (c *carrier) pumpPackets() {
	scratch := make([]byte, maxPacket)
	for {
		n, from, err := c.transport.ReadPacket(scratch)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n == 0 {
			continue
		}
		p := &memberlist.Packet{Buf: append([]byte(nil), scratch[:n]...), From: net.UDPAddrFromAddrPort(from), Timestamp: time.Now()}
		select {
		case c.packets <- p:
		case <-c.done:
		}
	}
}

// pumpStreams hands streams to memberlist until the transport is closed or Shutdown is called.
func (c *carrier) pumpStreams(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-c.done:
			cancel()
		case <-stop:
		}
	}()
	for {
		conn, err := c.transport.Accept(ctx, transport.Member)
		if err != nil {
			return
		}
		select {
		case c.streams <- conn:
		case <-c.done:
			conn.Close()
		}
	}
}

// FinalAdvertiseAddr returns the address that members are told.
func (c *carrier) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return c.advertise.Addr().AsSlice(), int(c.advertise.Port()), nil
}

// WriteTo sends a packet to IP:PORT.
func (c *carrier) WriteTo(b []byte, addr string) (time.Time, error) {
	to, err := netip.ParseAddrPort(addr)
	if err == nil {
		err = c.transport.WritePacket(b, to)
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
	return conn, nil
}

// Shutdown stops handing anything over. The port itself belongs to whoever opened the transport.
func (c *carrier) Shutdown() error {
	c.once.Do(func() { close(c.done) })
	return nil
}
