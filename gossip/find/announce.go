package find

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/mdns"

	"github.com/quipulog/quipu/crdt"
)

// service is the name under which nodes announce themselves (RFC 6763, section 4.1.2).
const service = "_quipu._tcp"

// The fields of the TXT record. Fields that are not known are skipped.
const (
	versionField = "v=1"
	logField     = "log="
	authorField  = "author="
)

// logHash tells logs apart without naming them.
func logHash(id crdt.LogID) string {
	sum := sha256.Sum256(append([]byte("quipu mdns 1\n"), id[:]...))
	return hex.EncodeToString(sum[:8])
}

// announcement is what a TXT record says.
func (l LAN) announcement() []string {
	return []string{versionField, logField + logHash(l.Log), authorField + l.Author.String()}
}

// author returns who announces itself with a TXT record; false if it is not of this log, or nobody else.
func (l LAN) author(txt []string) (crdt.Author, bool) {
	if !slices.Contains(txt, versionField) || !slices.Contains(txt, logField+logHash(l.Log)) {
		return crdt.Author{}, false
	}
	for _, field := range txt {
		if text, ok := strings.CutPrefix(field, authorField); ok {
			a, err := crdt.ParseAuthor(text)
			return a, err == nil && a != l.Author
		}
	}
	return crdt.Author{}, false
}

// voice announces the node on interfaces. One goroutine uses it.
type voice struct {
	lan      LAN
	speaking map[string]speaker // by the interface's name
}

// speaker announces the node on one interface.
type speaker struct {
	*mdns.Server
	index int
	ips   []netip.Addr // what it announces
}

// follow announces the node on these interfaces and no others.
func (v *voice) follow(ports []port) error {
	var errs []error
	wanted := make(map[string]bool)
	for _, p := range ports {
		ips := p.reached(v.lan.Listen.Addr())
		if len(ips) == 0 {
			continue
		}
		wanted[p.Name] = true
		old, speaks := v.speaking[p.Name]
		if speaks && old.index == p.Index && slices.Equal(old.ips, ips) {
			continue
		}
		v.silence(p.Name)
		server, err := v.lan.announce(p, ips)
		if err != nil {
			errs = append(errs, fmt.Errorf("announce on %s: %w", p.Name, err))
			continue
		}
		v.speaking[p.Name] = speaker{server, p.Index, ips}
	}
	for name := range v.speaking {
		if !wanted[name] {
			v.silence(name)
		}
	}
	return errors.Join(errs...)
}

// silence ends the announcing on an interface.
func (v *voice) silence(name string) {
	if s, speaks := v.speaking[name]; speaks {
		s.Shutdown() // It closes sockets that nothing is waiting for.
		delete(v.speaking, name)
	}
}

// stop ends all announcing.
func (v *voice) stop() {
	for name := range v.speaking {
		v.silence(name)
	}
}

// announce answers questions on an interface. The instance and the host have names of their own on each
// interface: every server of a machine hears what is asked on any, and an answer's parts are matched by
// name.
func (l LAN) announce(p port, ips []netip.Addr) (*mdns.Server, error) {
	label := hex.EncodeToString(l.Author[:8]) + "-" + strconv.Itoa(p.Index)
	var addrs []net.IP
	for _, ip := range ips {
		addrs = append(addrs, ip.AsSlice())
	}
	zone, err := mdns.NewMDNSService(label, service, "local.", label+".local.", int(l.Listen.Port()), addrs, l.announcement())
	if err != nil {
		return nil, err
	}
	return mdns.NewServer(&mdns.Config{Zone: zone, Iface: &p.Interface, Logger: l.quiet()})
}

// quiet returns the logger of the library, whose lines tell of any odd packet on the network.
func (l LAN) quiet() *log.Logger { return slog.NewLogLogger(l.Logger.Handler(), slog.LevelDebug) }
