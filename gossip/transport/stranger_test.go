package transport_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/transport"
)

// strangerConfig returns the TLS of a peer written by somebody else, good for both ends.
func strangerConfig(t testing.TB) *tls.Config {
	return &tls.Config{
		Certificates:       []tls.Certificate{certificate(t, keyOf("stranger"))},
		NextProtos:         []string{"quipu/sync/1"},
		InsecureSkipVerify: true,
		ClientAuth:         tls.RequireAnyClientCert,
	}
}

// certificate returns a self-signed certificate that ran out long ago: nobody looks at the date.
func certificate(t testing.TB, key crypto.Signer) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func ecdsaCertificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return certificate(t, key)
}

func chainOfTwo(t testing.TB) tls.Certificate {
	c := certificate(t, keyOf("stranger"))
	c.Certificate = append(c.Certificate, certificate(t, keyOf("second")).Certificate...)
	return c
}

// nobody is the key 01 00…00, the neutral point: its signature, R neutral and S zero, verifies any
// message, so anybody can be it.
type nobody struct{}

func (nobody) Public() crypto.PublicKey {
	return ed25519.PublicKey(append([]byte{1}, make([]byte, 31)...))
}

func (nobody) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return append([]byte{1}, make([]byte, 63)...), nil
}

func smallOrderCertificate(t testing.TB) tls.Certificate { return certificate(t, nobody{}) }

// manyProtos returns protocol names that fill more than a handshake may have.
func manyProtos() []string {
	var names []string
	for i := range 50 {
		names = append(names, fmt.Sprintf("%0100d", i))
	}
	return names
}

// writtenOut is the proof of the secret as its doc comment says, written a second time.
func writtenOut(t testing.TB, conn *tls.Conn, role string, author crdt.Author) []byte {
	t.Helper()
	state := conn.ConnectionState()
	exported, err := state.ExportKeyingMaterial("quipu/secret/v1", nil, 32)
	if err != nil {
		t.Fatal(err)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "quipu/stream/v1", 32)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	io.WriteString(mac, role+string(author[:])+string(exported))
	return mac.Sum(nil)
}

// A peer that is written from the description alone, and shares no code with ours, is understood at
// both ends; what it may write at once after its proof is not lost.
func TestWire(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		speak := func(conn *tls.Conn, own, other string) {
			if err := conn.Handshake(); err != nil {
				t.Error(err)
				return
			}
			conn.Write(append(writtenOut(t, conn, own, authorOf("stranger")), "hello"...))
			got := make([]byte, 32)
			if _, err := io.ReadFull(conn, got); err != nil {
				t.Error(err)
			}
			if want := writtenOut(t, conn, other, a.Self()); !hmac.Equal(got, want) {
				t.Errorf("proof %x, want %x", got, want)
			}
		}
		listen := func(conn *transport.Conn) {
			defer conn.Close()
			got := make([]byte, 5)
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
				t.Errorf("read %q, %v", got, err)
			}
		}

		speak(tls.Client(g.dialRaw(t, a), strangerConfig(t)), "D", "A")
		conn, err := a.Accept(t.Context(), transport.Sync)
		if err != nil {
			t.Fatal(err)
		}
		listen(conn)

		l := g.listenRaw(t)
		spoken := make(chan bool)
		go func() {
			defer close(spoken)
			if raw, err := l.Accept(); err == nil {
				speak(tls.Server(raw, strangerConfig(t)), "A", "D")
			}
		}()
		if conn, err = a.Dial(t.Context(), l.Addr().String(), transport.Sync, authorOf("stranger")); err != nil {
			t.Fatal(err)
		}
		listen(conn)
		<-spoken
	})
}

// Sending our own proof back proves nothing.
func TestReflectedProof(t *testing.T) {
	onBoth(t, func(t *testing.T, g ground) {
		a := g.start(t, g.config("a"))
		conn := tls.Client(g.dialRaw(t, a), strangerConfig(t))
		go io.Copy(conn, io.LimitReader(conn, 32))
		waitRefused(t, a, transport.ReasonSecret, 1)
	})
}
