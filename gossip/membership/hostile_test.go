package membership

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"runtime/metrics"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/gossiptest"
	"github.com/quipulog/quipu/gossip/transport"
)

// scene is a node that runs, and an insider: somebody who holds the secret and no manners.
type scene struct {
	testing.TB
	world *gossiptest.Network
	node  *Membership
	at    netip.AddrPort
	port  *transport.Transport // the insider's
	from  netip.AddrPort
	key   cipher.AEAD // takes its nonce from the caller
	*seal
}

// onScene runs a test in a bubble with fake time. It fails when the node has died of it.
func onScene(t *testing.T, test func(s *scene)) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newScene(t)
		defer time.Sleep(time.Minute) // memberlist's last probes and pings for others end after it
		defer stop()
		test(s)
		synctest.Wait()
		s.alive()
	})
}

// newScene starts a node and an insider on a network of their own.
func newScene(t testing.TB) (s *scene, stop func()) {
	t.Helper()
	s = &scene{TB: t, world: gossiptest.NewNetwork(1)}
	node, at, stopNode := s.start("node", 1)
	s.node, s.at, s.seal = node, at, node.carrier.seal
	s.port, s.from = s.open("insider", 2)
	block, err := aes.NewCipher(s.port.GossipKey())
	if err != nil {
		t.Fatal(err)
	}
	if s.key, err = cipher.NewGCM(block); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.port.Run(ctx) })
	return s, func() {
		stopNode()
		end()
		running.Wait()
	}
}

// open takes a port on a host of the n-th key's own.
func (s *scene) open(name string, n byte) (*transport.Transport, netip.AddrPort) {
	s.Helper()
	host := s.world.Host(name)
	port, err := transport.Listen(transport.Config{Key: keyOf(n), Secret: make([]byte, transport.SecretSize), Listen: ":7946", Network: host})
	if err != nil {
		s.Fatal(err)
	}
	return port, netip.AddrPortFrom(host.Addr(), 7946)
}

// start runs a node with the n-th key.
func (s *scene) start(name string, n byte) (node *Membership, at netip.AddrPort, stop func()) {
	s.Helper()
	port, at := s.open(name, n)
	node, err := New(Config{Key: keyOf(n), Log: log1, Name: name, Advertise: at, Transport: port, Root: func() crdt.Hash { return crdt.Hash{1} }})
	if err != nil {
		s.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	below, endBelow := context.WithCancel(context.Background())
	var running, under sync.WaitGroup
	under.Go(func() { port.Run(below) })
	under.Go(func() { node.Pump(below) })
	running.Go(func() {
		if err := node.Run(ctx); err != nil {
			s.Error(err)
		}
	})
	return node, at, func() {
		end()
		running.Wait()
		endBelow()
		under.Wait()
	}
}

// sealed returns version ‖ nonce ‖ sealed.
func (s *scene) sealed(version byte, plain, data []byte) []byte {
	nonce := make([]byte, s.key.NonceSize())
	rand.Read(nonce)
	return s.key.Seal(append([]byte{version}, nonce...), nonce, plain, data)
}

// send sends a packet to the node as it stands.
func (s *scene) send(b []byte) {
	s.Helper()
	if err := s.port.WritePacket(b, s.at); err != nil {
		s.Fatal(err)
	}
}

// dial opens a stream of members to the node.
func (s *scene) dial() net.Conn {
	s.Helper()
	conn, err := s.port.Dial(s.Context(), s.at.String(), transport.Member, crdt.AuthorOf(keyOf(1)))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { conn.Close() })
	return conn
}

// say opens a stream, says something on it as it stands, and returns what the node answers before it
// closes the stream.
func (s *scene) say(b []byte) []byte {
	s.Helper()
	conn := s.dial()
	conn.Write(slices.Concat(s.header, b))
	answer, _ := io.ReadAll(conn)
	return answer
}

// ask pushes a plain message on a stream and returns what is sealed in the answer, nil for none.
func (s *scene) ask(plain []byte) []byte {
	s.Helper()
	conn := s.dial()
	conn.Write(slices.Concat(s.header, s.message(plain)))
	answer, err := s.readMessage(conn)
	if err != nil {
		return nil
	}
	return answer
}

// alive checks that the node answers a ping, by packet and by stream, and exchanges tables.
func (s *scene) alive() {
	s.Helper()
	s.ping(1 << 20)
	if answer := s.ask(pingOf(7)); len(answer) == 0 || kind(answer[0]) != kindAck {
		s.Errorf("a ping on a stream is answered with %x", answer)
	}
	if answer := s.ask(pushPullOf(0, nil)); len(answer) == 0 || kind(answer[0]) != kindPushPull {
		s.Errorf("a push is answered with %x", answer)
	}
}

// ping sends a ping in a packet and waits until the node has acknowledged it.
func (s *scene) ping(seq int) {
	s.Helper()
	s.send(s.packet(pingOf(seq)))
	ack := binary.BigEndian.AppendUint32([]byte("SeqNo\xce"), uint32(seq))
	for b := make([]byte, maxPacket); ; {
		n, _, err := s.port.ReadPacket(b)
		if err != nil {
			s.Fatal(err)
		}
		plain, err := s.openPacket(b[:n])
		if err != nil {
			s.Fatal(err)
		}
		if bytes.Contains(plain, ack) { // there may be news in its company
			return
		}
	}
}

// refused checks how many things the node has refused, of each sort.
func (s *scene) refused(unsealed, bad, crowded uint64) {
	s.Helper()
	synctest.Wait()
	if c := s.node.Counts(); c.Unsealed != unsealed || c.BadMessages != bad || c.Crowded != crowded {
		s.Errorf("counted %d unsealed, %d bad, %d crowded; want %d, %d, %d", c.Unsealed, c.BadMessages, c.Crowded, unsealed, bad, crowded)
	}
}

// takes returns how many bytes are allocated while work runs.
func takes(work func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	work()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}

// Memberlist 0.7 opens its encryption version 0 too, and dies of a padding that is longer than the text.
func TestOnePacketWithALyingPadding(t *testing.T) {
	onScene(t, func(s *scene) {
		s.send(append(slices.Clone(s.header), s.sealed(0, bytes.Repeat([]byte{255}, 16), s.label)...))
		s.send(append(slices.Clone(s.header), s.sealed(0, nil, s.label)...))
		s.refused(2, 0, 0)
	})
}

// Memberlist 0.7 takes the first byte of what it has opened without asking whether there is one.
func TestAnEmptySealedMessage(t *testing.T) {
	onScene(t, func(s *scene) {
		if answer := s.say(s.message(nil)); len(answer) > 0 {
			s.Errorf("it is answered with %x", answer)
		}
		s.send(s.packet(nil))
		s.refused(0, 2, 0)
	})
}

// Twenty pushes that claim a million nodes, or 20 MiB of state, in less than 100 bytes each.
func TestAPushPullThatClaimsMuch(t *testing.T) {
	onScene(t, func(s *scene) {
		took := takes(func() {
			for range 10 {
				s.ask(append([]byte{byte(kindPushPull)}, headerOf(1<<20, 0)...))
				s.ask(append([]byte{byte(kindPushPull)}, headerOf(0, 20<<20)...))
			}
		})
		s.refused(0, 20, 0)
		if took > 20<<20 {
			s.Errorf("twenty small pushes took %d MiB", took>>20)
		}
	})
}

// A push of the most nodes that may be is taken, and costs a few times its size.
func TestTheLargestPushPull(t *testing.T) {
	plain := pushPullOf(3500, make([]byte, 32))
	onScene(t, func(s *scene) {
		var answer []byte
		took := takes(func() { answer = s.ask(plain) })
		if len(answer) == 0 || kind(answer[0]) != kindPushPull {
			s.Errorf("a push of %d bytes is answered with %x", len(plain), answer)
		}
		if took > 20*uint64(len(plain)) {
			s.Errorf("a push of %d bytes took %d", len(plain), took)
		}
		s.ask(pushPullOf(maxNodes+1, nil))
		s.say(append([]byte{sealedMark}, binary.BigEndian.AppendUint32(nil, maxMessage+1)...))
		s.refused(1+1, 0, 0) // the first of the two is longer than a message may be
	})
}

// A packet of 19 KB unpacked to 40 MiB.
func TestAPacketThatUnpacks(t *testing.T) {
	small, large := packed(t, 64<<10), packed(t, 40<<20)
	onScene(t, func(s *scene) {
		took := takes(func() {
			s.send(s.packet(small))
			s.send(s.packet(large))
			s.ask(large)
			synctest.Wait()
		})
		s.refused(1, 2, 0)
		if len(large) < 16<<10 || took > 8<<20 {
			s.Errorf("packets of %d and %d bytes took %d KiB", len(small), len(large), took>>10)
		}
	})
}

// Streams on which nobody says anything give way to others, and take next to nothing.
func TestSilentStreams(t *testing.T) {
	onScene(t, func(s *scene) {
		silent := make([]net.Conn, 40)
		took := takes(func() {
			for i := range silent {
				silent[i] = s.dial()
				silent[i].Write(append(slices.Clone(s.header), sealedMark, 0, 0x0f, 0xff, 0xff))
			}
			synctest.Wait()
		})
		if took > 40<<19 {
			s.Errorf("%d silent streams took %d MiB", len(silent), took>>20)
		}
		begun := time.Now()
		if s.ask(pingOf(1)) == nil || time.Since(begun) > time.Second {
			s.Errorf("a ping beside %d silent streams got no answer in time", len(silent))
		}
		s.refused(0, 0, 40-maxStreams+1)
	})
}

// Each ping for others takes a goroutine here, so there are only so many in a second.
func TestPingsForOthersAreBounded(t *testing.T) {
	onScene(t, func(s *scene) {
		plain := compoundOf(slices.Repeat([][]byte{relayOf()}, 8)...)
		for range maxRelays / 8 {
			s.send(s.packet(plain))
		}
		s.refused(0, 0, 0)
		s.send(s.packet(plain))
		s.refused(0, 0, 1)
		time.Sleep(time.Second)
		s.send(s.packet(plain))
		s.refused(0, 0, 1)
	})
}
