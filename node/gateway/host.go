package gateway

import (
	"net/netip"
	"strconv"
	"strings"
)

// host is what a client says that it reaches: a name, or an address.
type host struct {
	name string // in lower case; empty for an address
	ip   netip.Addr
	port bool // one stands behind it
}

// parseHost reads HOST or HOST:PORT as it stands in a URL and the header Host, where an IPv6 address has brackets.
func parseHost(text string) (h host, ok bool) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return host{ip: plainIP(ip)}, true
	}
	name, port, more := strings.Cut(text, ":")
	if rest, bracket := strings.CutPrefix(text, "["); bracket {
		if name, port, ok = strings.Cut(rest, "]"); !ok || !strings.Contains(name, ":") {
			return host{}, false
		}
		port, more = strings.CutPrefix(port, ":")
		if !more && port != "" {
			return host{}, false
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); more && err != nil {
		return host{}, false
	}
	h = host{name: strings.ToLower(strings.TrimSuffix(name, ".")), port: more}
	if ip, err := netip.ParseAddr(name); err == nil {
		return host{ip: plainIP(ip), port: more}, true
	}
	return h, isHostName(h.name)
}

// isHostName reports whether a text can be the name of a host.
func isHostName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_."
	return name != "" && len(name) <= 253 && strings.Trim(name, letters) == ""
}

// plainIP returns an address in the one form in which it is compared.
func plainIP(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }

// ours are the hosts of a node.
type ours map[host]bool

func newOurs(texts []string) ours {
	all := make(ours, len(texts))
	for _, text := range texts {
		if h, ok := parseHost(text); ok {
			h.port = false
			all[h] = true
		}
	}
	return all
}

// has reports whether a header Host names this node, to which somebody has connected at local. A name that is not ours
// may be a stranger's, who lets it lead here (DNS rebinding) so that a browser takes his page for the node's own.
func (o ours) has(text string, local netip.Addr) bool {
	h, ok := parseHost(text)
	if !ok {
		return false
	}
	h.port = false
	return o[h] || h.ip.IsValid() && h.ip == local || h.name == "localhost" && local.IsLoopback()
}
