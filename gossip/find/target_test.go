package find_test

import (
	"strings"
	"testing"

	"github.com/quipulog/quipu/gossip/find"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text  string
		leads bool
		err   string // a part of it; "" for none
	}{
		{text: "10.0.0.7:7946"},
		{text: "[2001:db8::7]:7946"},
		{text: "node-b.example:7946"},
		{text: "dns+quipu.prod.svc:7946", leads: true},
		{text: "dns+_quipu._tcp.quipu.prod.svc", leads: true},
		{text: "dnssrv+_quipu._tcp.quipu.prod.svc", leads: true},
		{text: "dnssrvnoa+_quipu._tcp.quipu.prod.svc", leads: true},
		{text: "nowhere", err: `"nowhere": expected HOST:PORT`},
		{text: "", err: "expected HOST:PORT"},
		{text: ":7946", err: "expected HOST:PORT"},
		{text: "a:", err: `a port from 1 to 65535, got port ""`},
		{text: "a:0", err: "a port from 1 to 65535"},
		{text: "a:65536", err: "a port from 1 to 65535"},
		{text: "a:quipu", err: `got port "quipu"`},
		{text: "dns+quipu.prod.svc", err: `"dns+quipu.prod.svc": expected HOST:PORT, dns+NAME:PORT`},
		{text: "dnsserv+_quipu._tcp.a", err: "expected HOST:PORT"},
		{text: "dns+dns+a:1", err: "expected HOST:PORT"},
		{text: "dnssrv+quipu.prod.svc", err: "expected dnssrv+_SERVICE._tcp.NAME"},
		{text: "dnssrv+_quipu._tcp.a:7946", err: "without a port"},
		{text: "dnssrv+_quipu._tcp.", err: "expected dnssrv+"},
		{text: "dns+" + strings.Repeat("a", 254) + ":1", err: "expected HOST:PORT"},
	} {
		target, err := find.Parse(c.text)
		switch {
		case c.err == "" && err != nil:
			t.Errorf("%q: %v", c.text, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q: error %v, want one with %q", c.text, err, c.err)
		case c.err == "" && (target.String() != c.text || target.Leads() != c.leads):
			t.Errorf("%q: %q, leads %v", c.text, target, target.Leads())
		}
	}
}

// The sources have an order, and each has a place of its own in it.
func TestRank(t *testing.T) {
	for i, s := range []find.Source{find.Configured, find.DNS, find.MDNS, find.Remembered} {
		if s.Rank() != i {
			t.Errorf("%s has rank %d, want %d", s, s.Rank(), i)
		}
	}
}
