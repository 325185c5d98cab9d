package transport

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// SecretSize is the length of a cluster secret in bytes.
const SecretSize = 32

// Config says who a [Transport] is, where it listens and what it puts up with. Key and Listen are
// required; the zero value of every other field means its default.
type Config struct {
	// Key is the node's Ed25519 key. Its public half is the author that peers see.
	Key ed25519.PrivateKey

	// Secret is the cluster secret: SecretSize random bytes, or nil for none. Without one the
	// transport listens on loopback addresses only.
	Secret []byte

	// SecretFrom says where the secret is from, for the error of a peer that has another. Default:
	// nothing is said.
	SecretFrom string

	// Listen is the HOST:PORT of both the TCP listener and the UDP socket. Port 0 takes one that is
	// free for both.
	Listen string

	// Network is what connections are made of. Default: the host's own network.
	Network Network

	// Logger receives one warning for each refused connection, at most 10 in 10 s. Default:
	// nothing is logged.
	Logger *slog.Logger

	// HandshakeTimeout bounds the time from accepting a connection to knowing its peer; in a dial,
	// connecting and knowing the peer may take as long each. Default: 5 s.
	HandshakeTimeout time.Duration

	// MaxHandshakes bounds the accepted connections whose peer is not known yet. Default: 512.
	MaxHandshakes int

	// MaxHandshakesPerHost bounds those from one IPv4 address or one IPv6 /64. Default: 128.
	MaxHandshakesPerHost int

	// MaxConns bounds the accepted connections whose peer is known. Default: 4096.
	MaxConns int

	// MaxConnsPerPeer bounds those of one author. Default: 64.
	MaxConnsPerPeer int
}

// withDefaults returns c with its zero fields filled in.
func (c Config) withDefaults() Config {
	if c.Network == nil {
		c.Network = hostNetwork{}
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, 5*time.Second)
	for _, limit := range []struct {
		field *int
		value int
	}{
		{&c.MaxHandshakes, 512},
		{&c.MaxHandshakesPerHost, 128},
		{&c.MaxConns, 4096},
		{&c.MaxConnsPerPeer, 64},
	} {
		if *limit.field == 0 {
			*limit.field = limit.value
		}
	}
	return c
}

// validate names the first field that cannot be used.
func (c Config) validate() error {
	switch {
	case len(c.Key) != ed25519.PrivateKeySize:
		return fmt.Errorf("config: Key has %d bytes, not %d", len(c.Key), ed25519.PrivateKeySize)
	case !c.Key.Equal(ed25519.NewKeyFromSeed(c.Key.Seed())):
		return errors.New("config: Key's public half does not belong to its private half")
	case c.Secret != nil && len(c.Secret) != SecretSize:
		return fmt.Errorf("config: Secret has %d bytes, not %d", len(c.Secret), SecretSize)
	case c.HandshakeTimeout < 0:
		return fmt.Errorf("config: HandshakeTimeout is negative: %s", c.HandshakeTimeout)
	}
	for _, limit := range []struct {
		field string
		value int
	}{
		{"MaxHandshakes", c.MaxHandshakes},
		{"MaxHandshakesPerHost", c.MaxHandshakesPerHost},
		{"MaxConns", c.MaxConns},
		{"MaxConnsPerPeer", c.MaxConnsPerPeer},
	} {
		if limit.value < 0 {
			return fmt.Errorf("config: %s is negative: %d", limit.field, limit.value)
		}
	}
	return nil
}
