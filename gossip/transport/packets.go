package transport

import (
	"fmt"
	"net"
	"net/netip"
)

// packetBuffer is how many bytes of packets the system is asked to keep for us while we are busy: a
// few hundred of the membership's.
const packetBuffer = 2 << 20

// growBuffers asks for larger buffers. The system may grant less; packets may be lost anyhow.
func growBuffers(packets net.PacketConn) {
	if c, ok := packets.(interface{ SetReadBuffer(int) error }); ok {
		c.SetReadBuffer(packetBuffer)
	}
	if c, ok := packets.(interface{ SetWriteBuffer(int) error }); ok {
		c.SetWriteBuffer(packetBuffer)
	}
}

// ReadPacket waits for the next packet, puts it into b and says how long it is and which address it
// claims to come from. What does not fit b is cut off. The bytes are a stranger's: nothing about a
// packet has been checked. An error other than [net.ErrClosed] concerns one packet.
func (t *Transport) ReadPacket(b []byte) (int, netip.AddrPort, error) {
	if c, ok := t.port.packets.(*net.UDPConn); ok { // allocates no address
		n, from, err := c.ReadFromUDPAddrPort(b)
		return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
	}
	n, from, err := t.port.packets.ReadFrom(b)
	return n, addrPortOf(from), err
}

// WritePacket sends b to an address as one packet. It may be lost, doubled or overtaken. The
// transport does not keep b.
func (t *Transport) WritePacket(b []byte, to netip.AddrPort) error {
	var err error
	if c, ok := t.port.packets.(*net.UDPConn); ok {
		_, err = c.WriteToUDPAddrPort(b, to)
	} else {
		_, err = t.port.packets.WriteTo(b, net.UDPAddrFromAddrPort(to))
	}
	if err != nil {
		return fmt.Errorf("send packet: %w", err)
	}
	return nil
}
