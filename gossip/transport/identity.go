package transport

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
)

// Proto names what is spoken on a stream. It is negotiated inside TLS (ALPN, RFC 7301), so that one
// port serves them all.
type Proto string

const (
	// Member is the protocol of the membership's own streams.
	Member Proto = "quipu/member/1"

	// Sync is the protocol that moves ops.
	Sync Proto = "quipu/sync/1"
)

// protos lists every protocol that is accepted.
var protos = []Proto{Member, Sync}

// ErrProto is returned by [Transport.Dial] when the peer does not agree to the protocol asked for,
// and is the reason on the accepting side when a peer asks for none that is known.
var ErrProto = errors.New("peer speaks no protocol of ours")

// ErrCertificate is returned by [Transport.Dial] when the peer's certificate is not what a node
// shows: one certificate with an Ed25519 key. A key that is no author's is crdt.ErrAuthor.
var ErrCertificate = errors.New("peer's certificate is no node's")

// WrongPeerError is returned by [Transport.Dial] when another author answers than the one expected.
type WrongPeerError struct {
	Want crdt.Author // the author expected there
	Got  crdt.Author // the author whose key answered
}

func (e *WrongPeerError) Error() string {
	return fmt.Sprintf("wrong peer: author %s, want %s", e.Got, e.Want)
}

// newCertificate returns a self-signed certificate for key. It carries the key and nothing else that
// anybody reads: it is valid at any time, under any clock.
func newCertificate(key ed25519.PrivateKey) (tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "quipu"},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280, 4.1.2.5: no end
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// tlsConfig returns what both ends have in common: TLS 1.3 (RFC 8446), X25519, no resumption (a
// resumed session shows no certificate), and the own certificate. No chain of trust is checked,
// because a key is its own name; the key itself is checked by verify.
func tlsConfig(cert tls.Certificate) *tls.Config {
	return &tls.Config{
		Certificates:           []tls.Certificate{cert},
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       []tls.CurveID{tls.X25519},
		SessionTicketsDisabled: true,
	}
}

// acceptConfig returns the configuration of the accepting end.
func acceptConfig(cert tls.Certificate) *tls.Config {
	c := tlsConfig(cert)
	c.ClientAuth = tls.RequireAnyClientCert
	for _, p := range protos {
		c.NextProtos = append(c.NextProtos, string(p))
	}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		known := slices.ContainsFunc(hello.SupportedProtos, func(s string) bool {
			return slices.Contains(protos, Proto(s))
		})
		if h, ok := hello.Conn.(*halfOpen); ok {
			h.unknownProto = !known
		}
		return nil, nil // TLS itself refuses with the alert that belongs to it.
	}
	c.VerifyConnection = func(state tls.ConnectionState) error {
		_, err := verify(state, protos...)
		return err
	}
	return c
}

// dialConfig returns the configuration of the dialling end: it asks for proto, and for the author
// want unless that is zero.
func dialConfig(cert tls.Certificate, proto Proto, want crdt.Author) *tls.Config {
	c := tlsConfig(cert)
	c.NextProtos = []string{string(proto)}
	c.InsecureSkipVerify = true // There is no chain to check; VerifyConnection checks the key.
	c.VerifyConnection = func(state tls.ConnectionState) error {
		got, err := verify(state, proto)
		if err == nil && !want.IsZero() && got != want {
			err = &WrongPeerError{Want: want, Got: got}
		}
		return err
	}
	return c
}

// verify returns the author at the other end of a connection, after checking that the protocol
// agreed on is one of allowed and that the certificate is a node's. TLS has checked, or is about to
// check before the handshake ends, that the peer holds the key.
func verify(state tls.ConnectionState, allowed ...Proto) (crdt.Author, error) {
	if !slices.Contains(allowed, Proto(state.NegotiatedProtocol)) {
		return crdt.Author{}, fmt.Errorf("%w: agreed on %q", ErrProto, state.NegotiatedProtocol)
	}
	if n := len(state.PeerCertificates); n != 1 {
		return crdt.Author{}, fmt.Errorf("%w: a chain of %d", ErrCertificate, n)
	}
	key, ok := state.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok || len(key) != ed25519.PublicKeySize {
		return crdt.Author{}, fmt.Errorf("%w: not an Ed25519 key", ErrCertificate)
	}
	author := crdt.Author(key)
	if err := author.Valid(); err != nil {
		return crdt.Author{}, fmt.Errorf("peer's key: %w", err)
	}
	return author, nil
}
