package find_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/quipulog/quipu/gossip/find"
)

// names is a DNS server on loopback that answers from a zone, and a resolver that asks it.
func names(t *testing.T, zone ...string) *net.Resolver {
	t.Helper()
	records := make(map[string][]dns.RR)
	for _, line := range zone {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		name := rr.Header().Name
		records[name] = append(records[name], rr)
	}
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := net.Listen("tcp", socket.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: socket}, {Listener: stream}} {
		server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			answer := reply(q, records)
			if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
				answer.Truncate(dns.MinMsgSize) // The resolver comes again by TCP.
			}
			w.WriteMsg(answer)
		})
		up := make(chan struct{})
		server.NotifyStartedFunc = func() { close(up) }
		go server.ActivateAndServe()
		<-up
		t.Cleanup(func() { server.Shutdown() })
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, socket.LocalAddr().String())
	}}
}

// reply is what a server that has the records answers.
func reply(q *dns.Msg, records map[string][]dns.RR) *dns.Msg {
	answer := new(dns.Msg).SetReply(q)
	of, known := records[q.Question[0].Name]
	if !known {
		answer.Rcode = dns.RcodeNameError
	}
	for _, rr := range of {
		if rr.Header().Rrtype == q.Question[0].Qtype {
			answer.Answer = append(answer.Answer, rr)
		}
	}
	return answer
}

func resolve(t *testing.T, r find.Resolver, text string) ([]string, error) {
	t.Helper()
	target, err := find.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return target.Resolve(t.Context(), r)
}

func TestResolve(t *testing.T) {
	r := names(t,
		"quipu.test. A 10.0.0.3", "quipu.test. A 10.0.0.1", "quipu.test. AAAA 2001:db8::2",
		"_quipu._tcp.quipu.test. SRV 0 0 7001 a.quipu.test.",
		"_quipu._tcp.quipu.test. SRV 9 9 7002 b.quipu.test.",
		"_quipu._tcp.quipu.test. SRV 0 0 7003 gone.quipu.test.",
		"_quipu._tcp.quipu.test. SRV 0 0 0 a.quipu.test.",
		"a.quipu.test. A 10.0.0.1", "b.quipu.test. A 10.0.0.2", "b.quipu.test. AAAA 2001:db8::3",
		"empty.test. TXT nothing",
		"_none._tcp.test. SRV 0 0 0 .",
		"_lost._tcp.test. SRV 0 0 7001 gone.test.",
	)
	for _, c := range []struct {
		target string
		want   []string
		err    string
	}{
		{target: "10.0.0.9:1", want: []string{"10.0.0.9:1"}},
		{target: "[::ffff:10.0.0.9]:1", want: []string{"10.0.0.9:1"}},
		{target: "quipu.test:7946", want: []string{"10.0.0.1:7946", "10.0.0.3:7946", "[2001:db8::2]:7946"}},
		{target: "dns+quipu.test:7946", want: []string{"10.0.0.1:7946", "10.0.0.3:7946", "[2001:db8::2]:7946"}},
		{target: "dnssrv+_quipu._tcp.quipu.test", want: []string{"10.0.0.1:7001", "10.0.0.2:7002", "[2001:db8::3]:7002"}},
		{target: "dns+_quipu._tcp.quipu.test", want: []string{"10.0.0.1:7001", "10.0.0.2:7002", "[2001:db8::3]:7002"}},
		{target: "dnssrvnoa+_quipu._tcp.quipu.test", want: []string{"a.quipu.test:7001", "b.quipu.test:7002", "gone.quipu.test:7003"}},
		{target: "dns+missing.test:1", err: "resolve dns+missing.test:1: addresses (A, AAAA) of missing.test: lookup missing.test"},
		{target: "dns+empty.test:1", err: "resolve dns+empty.test:1: addresses (A, AAAA) of empty.test"},
		{target: "dnssrv+_no._tcp.test", err: "resolve dnssrv+_no._tcp.test: SRV records of _no._tcp.test: lookup"},
		{target: "dnssrv+_none._tcp.test", err: "SRV records of _none._tcp.test: there are none"},
		{target: "dnssrv+_lost._tcp.test", err: "SRV records of _lost._tcp.test: addresses (A, AAAA) of gone.test"},
	} {
		got, err := resolve(t, r, c.target)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.target, diff)
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.target, err, c.err)
		}
	}
}

// However many records a name has, so many are taken.
func TestResolveIsBounded(t *testing.T) {
	var zone []string
	for i := range find.MaxAddrs + 50 {
		zone = append(zone, fmt.Sprintf("many.test. A 10.1.%d.%d", i/200, i%200))
	}
	got, err := resolve(t, names(t, zone...), "dns+many.test:7946")
	if err != nil || len(got) != find.MaxAddrs || !slices.IsSorted(got) {
		t.Errorf("%d addresses, %v", len(got), err)
	}
}

// nobody answers without an error and without an address.
type nobody struct{}

func (nobody) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return nil, nil }
func (nobody) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, nil
}

func TestResolveWithoutRecords(t *testing.T) {
	for _, target := range []string{"a.test:1", "dns+a.test:1", "dnssrv+_a._tcp.test"} {
		if got, err := resolve(t, nobody{}, target); err == nil || len(got) > 0 {
			t.Errorf("%s: %q, %v", target, got, err)
		}
	}
}
