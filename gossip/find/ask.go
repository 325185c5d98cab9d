package find

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/hashicorp/mdns"
)

// maxAnswers bounds the answers that one question takes in; the library drops the rest.
const maxAnswers = 256

// ask asks on every interface who is there, and waits for the answers. The error tells of the
// interfaces where asking failed.
func (l LAN) ask(ctx context.Context, ports []port) ([]Found, error) {
	var mu sync.Mutex
	var all []Found
	var errs []error
	var asking sync.WaitGroup
	for _, p := range ports {
		for _, v6 := range []bool{false, true} {
			if _, speaks := p.first(v6); !speaks {
				continue
			}
			asking.Go(func() {
				found, err := l.askOn(ctx, p, v6)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, found...)
				if err != nil && ctx.Err() == nil {
					errs = append(errs, fmt.Errorf("ask on %s: %w", p.Name, err))
				}
			})
		}
	}
	asking.Wait()
	return all, errors.Join(errs...)
}

// askOn asks on one interface, in one family: a question fails whole where the network has only one of
// them.
func (l LAN) askOn(ctx context.Context, p port, v6 bool) ([]Found, error) {
	answers := make(chan *mdns.ServiceEntry, maxAnswers)
	err := mdns.QueryContext(ctx, &mdns.QueryParam{
		Service: service, Domain: "local", Timeout: listenTime, Interface: &p.Interface,
		Entries: answers, DisableIPv4: v6, DisableIPv6: !v6, Logger: l.quiet(),
	})
	close(answers)
	// The library goes on writing to an answer after it has sent it, until the question ends: they are
	// read only now.
	var found []Found
	for answer := range answers {
		found = append(found, l.read(p, answer)...)
	}
	return found, err
}

// read returns the addresses in an answer that are of another node of this log and lie in the
// interface's own networks: an announcement made on a network is about that network.
func (l LAN) read(p port, answer *mdns.ServiceEntry) []Found {
	author, ok := l.author(answer.InfoFields)
	if !ok || answer.Port < 1 || answer.Port > 65535 {
		return nil
	}
	ips := [][]byte{answer.AddrV4}
	if answer.AddrV6IPAddr != nil {
		ips = append(ips, answer.AddrV6IPAddr.IP)
	}
	var found []Found
	for _, b := range ips {
		ip, ok := netip.AddrFromSlice(b)
		if ip = ip.Unmap(); ok && p.has(ip) {
			found = append(found, Found{author, netip.AddrPortFrom(ip, uint16(answer.Port)).String()})
		}
	}
	return found
}
