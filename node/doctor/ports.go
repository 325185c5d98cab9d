package doctor

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/gateway"
)

// lookAtPorts says whether the addresses to listen on are free, or the node's, and whether others can reach them.
func (c *Chart) lookAtPorts() {
	if c.status.Running {
		c.find(OK, "", "peers reach the node at %s", c.status.Listen)
		if c.status.HTTP != "" {
			c.find(OK, "", "programs reach it at %s", c.status.HTTP)
		}
		c.lookFromOutside()
		return
	}
	if c.status.PID != 0 || c.unread != nil {
		return // somebody has them, or nobody knows which they are
	}
	c.lookAtPort("listen", cmp.Or(c.config.Listen, node.DefaultListen), true)
	if c.config.HTTP != "" {
		c.lookAtPort("http", c.config.HTTP, false)
	}
}

// lookAtCertificate says how long the certificate is good that quipu.yaml names.
func (c *Chart) lookAtCertificate() {
	if c.config.HTTPCert == "" {
		return
	}
	const do = "put a new one there: the daemon reads it by itself"
	cert, err := gateway.ReadCertificate(c.config.HTTPCert)
	if err != nil {
		c.find(Bad, "put a certificate in PEM there, or correct http-cert", "%v", err)
		return
	}
	switch end := cert.NotAfter.UTC().Format(time.DateTime); {
	case c.now.After(cert.NotAfter):
		c.find(Bad, do, "clients refuse the certificate: it has ended at %s", end)
	case c.now.Before(cert.NotBefore):
		c.find(Bad, "look at this machine's clock, or take another one", "clients refuse the certificate: it begins at %s", cert.NotBefore.UTC().Format(time.DateTime))
	case gateway.EndsSoon(cert, c.now):
		c.find(Warn, do, "the certificate ends at %s, in %s", end, age.Rough(cert.NotAfter.Sub(c.now)))
	default:
		c.find(OK, "", "the certificate is good until %s", end)
	}
}

// lookAtPort takes an address, and gives it back at once.
func (c *Chart) lookAtPort(what, address string, udp bool) {
	var listen net.ListenConfig
	tcp, err := listen.Listen(context.Background(), "tcp", address)
	if err == nil {
		err = tcp.Close()
	}
	if err == nil && udp {
		var packets net.PacketConn
		if packets, err = listen.ListenPacket(context.Background(), "udp", address); err == nil {
			err = packets.Close()
		}
	}
	if err != nil {
		c.find(Bad, "end what uses it, or choose another address in quipu.yaml", "%s %s cannot be listened on: %v", what, address, err)
		return
	}
	c.find(OK, "", "%s %s is free", what, address)
}

// lookFromOutside says what members see of the address that they are told.
func (c *Chart) lookFromOutside() {
	var own api.Member
	beyond := "" // a member that is not on this machine
	for _, m := range c.members {
		if m.State == "self" {
			own = m
		} else if address, err := netip.ParseAddrPort(m.Addr); err == nil && !address.Addr().IsLoopback() {
			beyond = m.Addr
		}
	}
	if address, err := netip.ParseAddrPort(own.Addr); err == nil && address.Addr().IsLoopback() && beyond != "" {
		c.find(Warn, "--listen on an address of the network, or --advertise the one by which others reach it", "members are told %s, which is theirs and not this machine: the member at %s cannot reach it", own.Addr, beyond)
	}
}
