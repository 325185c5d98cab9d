package transport

import (
	"net"
	"net/netip"
	"sync"

	"github.com/quipulog/quipu/crdt"
)

// NewDialer returns a transport that holds no port: it dials, and nobody can reach it. Config.Listen
// is not looked at, and without a secret it dials any address. It is run and closed like any other.
func NewDialer(cfg Config) (*Transport, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return newTransport(cfg, port{streams: newNoListener()})
}

// noListener is a listener that nobody reaches.
type noListener struct {
	once   sync.Once
	closed chan struct{}
}

func newNoListener() *noListener { return &noListener{closed: make(chan struct{})} }

// Accept waits for Close.
func (l *noListener) Accept() (net.Conn, error) {
	<-l.closed
	return nil, net.ErrClosed
}

// Close ends Accept.
func (l *noListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns no address.
func (l *noListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(netip.AddrPort{}) }

// newTransport puts a transport together that holds p.
func newTransport(cfg Config, p port) (*Transport, error) {
	cert, err := newCertificate(cfg.Key)
	if err != nil {
		return nil, err
	}
	keys, err := deriveKeys(cfg.Secret)
	if err != nil {
		return nil, err
	}
	return &Transport{
		cfg:    cfg,
		log:    cfg.Logger,
		self:   crdt.AuthorOf(cfg.Key),
		cert:   cert,
		accept: acceptConfig(cert),
		keys:   keys,
		port:   p,
		halfOpen: &halfOpens{
			max:        cfg.MaxHandshakes,
			maxPerHost: cfg.MaxHandshakesPerHost,
			accepted:   map[netip.Prefix][]*halfOpen{},
			dialled:    map[*halfOpen]bool{},
		},
		open: &openConns{
			max:        cfg.MaxConns,
			maxPerPeer: cfg.MaxConnsPerPeer,
			all:        map[*Conn]bool{},
			accepted:   map[crdt.Author]int{},
		},
		tally:   newTally(),
		waiting: map[Proto]chan *Conn{Member: make(chan *Conn, backlog), Sync: make(chan *Conn, backlog)},
		done:    make(chan struct{}),
	}, nil
}
