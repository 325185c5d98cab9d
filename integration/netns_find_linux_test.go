package integration

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameHost is the number of the name server on its LAN.
const nameHost = 53

// nameServer answers for one service as a Kubernetes headless service does: with the addresses of what
// is up right now.
//
//	quipu.test.                A    10.77.1.1, 10.77.1.2
//	_quipu._tcp.quipu.test.    SRV  0 0 7946 10-77-1-1.quipu.test., 0 0 7946 10-77-1-2.quipu.test.
//	10-77-1-1.quipu.test.      A    10.77.1.1
type nameServer struct {
	t    *testing.T
	mu   sync.Mutex // guards pods
	pods []netip.Addr
}

const (
	serviceName = "quipu.test."
	serviceSRV  = "_quipu._tcp." + serviceName
)

// newNameServer starts a name server on a LAN.
func newNameServer(l *lan) *nameServer {
	l.t.Helper()
	s := &nameServer{t: l.t}
	l.space.ip("addr add %s/24 dev br0", l.addr(nameHost))
	var conn net.PacketConn
	l.space.do(func() (err error) {
		conn, err = net.ListenPacket("udp4", fmt.Sprintf("%s:53", l.addr(nameHost)))
		return err
	})
	var serving sync.WaitGroup
	serving.Go(func() { s.serve(conn) })
	l.t.Cleanup(func() {
		conn.Close()
		serving.Wait()
	})
	return s
}

// asks makes what runs in a namespace ask the LAN's name server.
func (h *host) asks(l *lan) {
	h.t.Helper()
	dir := filepath.Join(resolveDir, h.space.name)
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "resolv.conf"), fmt.Appendf(nil, "nameserver %s\n", l.addr(nameHost)), 0o644)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// up says which hosts the service has from now on.
func (s *nameServer) up(hosts ...*host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pods = s.pods[:0]
	for _, h := range hosts {
		s.pods = append(s.pods, netip.MustParseAddr(h.addr))
	}
}

func (s *nameServer) serve(conn net.PacketConn) {
	buf := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if reply, ok := s.answer(buf[:n]); ok {
			conn.WriteTo(reply, from) // a lost answer is asked for again
		}
	}
}

// answer returns the reply to a query with one question.
func (s *nameServer) answer(query []byte) ([]byte, bool) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 {
		return nil, false
	}
	q := m.Questions[0]
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	s.mu.Lock()
	defer s.mu.Unlock()
	known := q.Name.String() == serviceName || q.Name.String() == serviceSRV
	for _, addr := range s.pods {
		name := podName(addr)
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET, TTL: 1}
		switch {
		case q.Type == dnsmessage.TypeSRV && q.Name.String() == serviceSRV:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.SRVResource{Port: port, Target: name}})
		case q.Name == name || q.Name.String() == serviceName:
			known = true
			if q.Type == dnsmessage.TypeA {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
			}
		}
	}
	if !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	reply, err := m.Pack()
	return reply, err == nil
}

// podName is the name of one address of the service.
func podName(addr netip.Addr) dnsmessage.Name {
	b := addr.As4()
	return dnsmessage.MustNewName(fmt.Sprintf("%d-%d-%d-%d.%s", b[0], b[1], b[2], b[3], serviceName))
}

// TestNetnsNames runs a cluster that knows itself by a name only, one half by its A records and one by
// its SRV records. A node that comes back at another address is found there, and one that is late by
// those that were told its name, for it is told of nobody.
func TestNetnsNames(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	hosts := newHosts(t, 4)
	l := newLAN(t, 1)
	names := newNameServer(l)
	l.plugAll(hosts, 1)
	names.up(hosts...)
	early, late := hosts[:3], hosts[3]
	for i, h := range early {
		h.asks(l)
		h.join = []string{[]string{fmt.Sprintf("dns+quipu.test:%d", port), "dnssrv+_quipu._tcp.quipu.test"}[i%2]}
		h.start()
	}
	allSee(t, members(early), 2)
	for _, h := range early {
		eventually(t, "member at an address of the name", func() bool { return h.joinedBy("dns", h.join[0]) }, h.stderr.String)
	}
	loadAll(early, "load", 50)
	converged(t, members(early))

	moved := early[0]
	moved.kill()
	moved.space.ip("addr flush dev eth0")
	l.configure(moved.space, "eth0", 100)
	moved.at(l.addr(100))
	names.up(hosts...)
	moved.start()
	late.start()
	allSee(t, members(hosts), 3)
	loadAll(hosts, "later", 50)
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != 350 {
		t.Errorf("%d entries, want 350", len(all))
	}
}

// joinedBy reports whether the member has joined somebody at an address that it got from a source, by the
// name that was given for it.
func (m *member) joinedBy(source, name string) bool {
	m.t.Helper()
	for _, s := range m.status().Seeds {
		if s.Joined && s.Source == source && s.From == name {
			return true
		}
	}
	return false
}

// TestNetnsMulticast runs nodes of two logs on one LAN that are told of nobody. Those of one log find
// each other, and leave the other log alone.
func TestNetnsMulticast(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	hosts, stranger := newHosts(t, 3), newHosts(t, 1)
	l := newLAN(t, 1)
	l.plugAll(hosts, 1)
	l.plugAll(stranger, 9)
	for _, h := range append(stranger, hosts...) {
		h.flags = append(h.flags, "--mdns")
		h.start()
	}
	allSee(t, members(hosts), 2)
	loadAll(hosts, "load", 50)
	converged(t, members(hosts))
	if s := stranger[0].status(); s.Members != 0 || s.Entries != 0 {
		t.Errorf("the node of another log has %d members and %d entries", s.Members, s.Entries)
	}
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != 150 {
		t.Errorf("%d entries, want 150", len(all))
	}
}

// TestNetnsAllDown stops a whole cluster and starts it again with nobody told where the others are: they
// remember.
func TestNetnsAllDown(t *testing.T) {
	requireNetns(t)
	t.Parallel()
	hosts := newHosts(t, 3)
	l := newLAN(t, 1)
	l.plugAll(hosts, 1)
	startHosts(hosts)
	allSee(t, members(hosts), 2)
	loadAll(hosts, "load", 50)
	converged(t, members(hosts))
	for _, h := range hosts {
		h.stop()
		h.join = nil
	}
	loadAll(hosts, "while down", 50)
	for _, h := range hosts {
		h.start()
	}
	allSee(t, members(hosts), 2)
	if all := sameLogsThatVerify(t, members(hosts)); len(all) != 300 {
		t.Errorf("%d entries, want 300", len(all))
	}
}
