package gateway

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Config says where a node is asked over the network, and by whom. The zero value says nowhere.
type Config struct {
	// Addr is the HOST:PORT that is listened on; port 0 takes a free one. Empty: none.
	Addr string
	// Cert is a PEM file with the certificate of the node and those that lead to its root, Key one with its key. Both are
	// read again when they change. Empty: there is no TLS.
	Cert, Key string
	// Plain lets a host do without TLS that is not loopback.
	Plain bool
	// Hosts are the names and addresses by which clients reach the node, beside the host of Addr and the address that
	// they connect to.
	Hosts []string
	// Origins are those of the web pages whose scripts may ask, such as https://app.example. Default: none but the node's
	// own.
	Origins []string
	// Rate is how many calls a second one token may make. Default: DefaultRate.
	Rate int
}

// DefaultRate is how many calls a second one token may make unless told otherwise.
const DefaultRate = 20_000

// Wrong returns the setting that cannot be used, by its name in quipu.yaml, and why; "" for none.
func (c Config) Wrong() (setting string, err error) {
	if c.Addr != "" {
		if err := c.wrongAddr(); err != nil {
			return "http", err
		}
	}
	switch {
	case c.Cert != "" && c.Key == "":
		return "http-cert", fmt.Errorf("%s: a certificate needs the file of its key, too: http-key", c.Cert)
	case c.Key != "" && c.Cert == "":
		return "http-key", fmt.Errorf("%s: a key needs the file of its certificate, too: http-cert", c.Key)
	}
	if c.Rate < 0 || c.Rate > maxRate {
		return "http-rate", fmt.Errorf("%d: expected 1 to %d calls a second", c.Rate, maxRate)
	}
	for _, text := range c.Hosts {
		if h, ok := parseHost(text); !ok || h.port {
			return "http-host", fmt.Errorf("%q: expected a name or an address without a port, such as quipu.example", text)
		}
	}
	for _, text := range c.Origins {
		if _, err := parseOrigin(text); err != nil {
			return "http-origin", err
		}
	}
	return "", nil
}

func (c Config) wrongAddr() error {
	name, port, err := net.SplitHostPort(c.Addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%q: expected HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:8080", c.Addr)
	}
	ip, err := netip.ParseAddr(name)
	if name == "" || err == nil && !ip.IsLoopback() {
		return c.exposed(c.Addr)
	}
	return nil
}

// exposed refuses an address that is not loopback where what is sent could be read on the way.
func (c Config) exposed(addr string) error {
	if c.Cert != "" || c.Plain {
		return nil
	}
	return fmt.Errorf("%q is not of this machine alone, and tokens would cross the network in the clear: expected http-cert and http-key, or http-plain where something in front of it speaks TLS", addr)
}
