package find

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Source says where an address comes from.
type Source string

// The sources, the most trusted first.
const (
	// Configured: it was given by whoever runs the node.
	Configured Source = "configured"
	// DNS: a configured name leads there.
	DNS Source = "dns"
	// MDNS: a node announced itself there on the local network.
	MDNS Source = "mdns"
	// Remembered: a member was there in an earlier run.
	Remembered Source = "remembered"
)

// Rank orders the sources: 0 for Configured, more for those after it.
func (s Source) Rank() int {
	switch s {
	case Configured:
		return 0
	case DNS:
		return 1
	case MDNS:
		return 2
	}
	return 3
}

// kind is what a target's text means.
type kind uint8

const (
	static       kind = iota // HOST:PORT
	hosts                    // dns+NAME:PORT
	services                 // dnssrv+NAME
	serviceNames             // dnssrvnoa+NAME
)

// The prefixes of the notation.
const (
	hostsPrefix        = "dns+"
	servicesPrefix     = "dnssrv+"
	serviceNamesPrefix = "dnssrvnoa+"
)

// maxName bounds a name in bytes (RFC 1035, section 2.3.4, as text).
const maxName = 253

// Target is where to look for nodes: an address, or a name that leads to several.
type Target struct {
	text string
	kind kind
	host string // name or IP
	port uint16 // 0 where SRV records give it
}

// Parse reads the notation of the package comment. The error names the text and says what is expected.
func Parse(text string) (Target, error) {
	t := Target{text: text}
	name := text
	switch {
	case strings.HasPrefix(text, servicesPrefix):
		t.kind, name = services, text[len(servicesPrefix):]
	case strings.HasPrefix(text, serviceNamesPrefix):
		t.kind, name = serviceNames, text[len(serviceNamesPrefix):]
	case strings.HasPrefix(text, hostsPrefix):
		t.kind, name = hosts, text[len(hostsPrefix):]
		if strings.HasPrefix(name, "_") && !strings.Contains(name, ":") {
			t.kind = services
		}
	}
	var err error
	if t.kind == services || t.kind == serviceNames {
		t.host, err = serviceName(name)
	} else {
		t.host, t.port, err = hostPort(name)
	}
	if err != nil {
		return Target{}, fmt.Errorf("%q: %w", text, err)
	}
	return t, nil
}

// String returns the text that the target was parsed from.
func (t Target) String() string { return t.text }

// Leads reports whether the target is a name that leads to addresses, each with a node of its own. It
// is false for HOST:PORT.
func (t Target) Leads() bool { return t.kind != static }

// hostPort splits HOST:PORT.
func hostPort(text string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(text)
	if err != nil || host == "" || len(host) > maxName || strings.ContainsAny(host, "+/ ") {
		return "", 0, fmt.Errorf("expected HOST:PORT, %sNAME:PORT or %s_SERVICE._tcp.NAME", hostsPrefix, servicesPrefix)
	}
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || number == 0 {
		return "", 0, fmt.Errorf("expected HOST:PORT with a port from 1 to 65535, got port %q", digits)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "" {
		return "", 0, fmt.Errorf("a link-local address needs the name of an interface: expected [%s%%eth0]:%d", ip, number)
	}
	return host, uint16(number), nil
}

// serviceName checks the name of SRV records.
func serviceName(name string) (string, error) {
	labels := strings.SplitN(name, ".", 3)
	if len(labels) < 3 || len(name) > maxName || strings.ContainsAny(name, ":+/ ") ||
		!strings.HasPrefix(labels[0], "_") || !strings.HasPrefix(labels[1], "_") || labels[2] == "" {
		return "", fmt.Errorf("expected %s_SERVICE._tcp.NAME without a port: SRV records give the ports", servicesPrefix)
	}
	return name, nil
}
