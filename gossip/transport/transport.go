package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/rarely"
)

// Transport is one port of one node. Streams and packets can be sent as soon as it exists; streams
// are accepted while [Transport.Run] runs. Its methods may be called from any goroutine.
type Transport struct {
	cfg    Config
	log    *slog.Logger
	self   crdt.Author
	cert   tls.Certificate
	accept *tls.Config
	keys   keys
	port   port

	halfOpen *halfOpens
	open     *openConns
	tally    *tally
	accepted atomic.Uint64        // connections that Accept returned
	dialled  atomic.Uint64        // connections that Dial returned
	waiting  map[Proto]chan *Conn // accepted, waiting for Accept; the map itself never changes

	closeOnce sync.Once
	done      chan struct{} // closed by Close
}

// backlog is how many accepted connections of one protocol may wait for Accept without holding up
// the handshake behind them.
const backlog = 64

// Listen takes the port. Nothing runs yet: connections wait in the system's queue for
// [Transport.Run]. A caller that does not get as far as Run closes the transport itself.
//
// It returns an error that names the field for an unusable configuration, one that names the
// address if the port is taken, and [ErrSecretRequired].
func Listen(cfg Config) (*Transport, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	port, err := openPort(cfg)
	if err != nil {
		return nil, err
	}
	growBuffers(port.packets)
	t, err := newTransport(cfg, port)
	if err != nil {
		return nil, errors.Join(err, port.Close())
	}
	return t, nil
}

// Self returns the author whose key the transport shows to peers.
func (t *Transport) Self() crdt.Author { return t.self }

// Addr returns the address that is listened on, with the port that was taken. The address is
// unspecified (0.0.0.0 or ::) when the transport listens on every address of the machine.
func (t *Transport) Addr() netip.AddrPort { return t.port.addr }

// Close gives the port back and closes every connection, those in the making too. Calls that wait
// return [net.ErrClosed]. Closing twice is no error.
func (t *Transport) Close() error {
	var err error
	t.closeOnce.Do(func() {
		close(t.done)
		err = t.port.Close()
		t.halfOpen.close()
		t.open.close()
	})
	return err
}

// Run accepts connections until ctx ends, then closes the transport, waits for the handshakes that
// are under way and returns nil. It returns an error when the transport was closed by somebody else,
// or its listener broke. A bad peer never ends it. It may be called once.
func (t *Transport) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { t.Close() })
	defer stop()
	var handshakes sync.WaitGroup
	defer handshakes.Wait()
	defer t.Close()
	var warned rarely.Lines[struct{}]
	for {
		conn, err := t.port.streams.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case err == nil:
			t.receive(&handshakes, conn)
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept on %s: %w", t.port.addr, err)
		default:
			// Out of file descriptors, or a connection that died in the queue.
			if warned.Pass(struct{}{}, time.Now()) {
				t.log.Warn("accept failed", "addr", t.port.addr, "err", err, warned.Repeated(struct{}{}))
			}
			t.pause(ctx, acceptPause)
		}
	}
}

// acceptPause is how long accepting rests after an error that passes by itself.
const acceptPause = 50 * time.Millisecond

// pause waits for d, or until the transport closes.
func (t *Transport) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-t.done:
	}
}
