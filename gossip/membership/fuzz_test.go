package membership

import (
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// FuzzCarrier seals anything that a holder of the secret can think of and sends it to a node, in a packet
// or on a stream. What the carrier lets pass, a real memberlist decodes and believes; neither may die of
// it, or take memory out of proportion.
func FuzzCarrier(f *testing.F) {
	for _, plain := range [][]byte{
		nil, {0}, pingOf(1), relayOf(), aliveOf(3), aliveOf(2), aliveOf(1), pushPullOf(2, make([]byte, 32)), packed(f, 100),
		messageOf(kindPing, "SeqNo", 1, "Node", nodeName, "SourceAddr", ip, "SourcePort", 1, "SourceNode", insiderName),
		messageOf(kindAck, "SeqNo", 1, "Payload", nil), messageOf(kindNack, "SeqNo", 1),
		messageOf(kindSuspect, "Incarnation", raw{0xce, 0xff, 0xff, 0xff, 0xff}, "Node", nodeName, "From", insiderName),
		messageOf(kindDead, "Incarnation", 1, "Node", crdt.AuthorOf(keyOf(3)).String(), "From", insiderName),
		compoundOf(pingOf(1), aliveOf(3)), compoundOf(compoundOf(pingOf(1))), summed(pingOf(1)), {byte(kindAdverts), 1},
		append([]byte{byte(kindPushPull)}, headerOf(1<<20, 0)...), append([]byte{byte(kindPushPull)}, headerOf(0, 20<<20)...),
	} {
		f.Add(plain)
	}
	s, stop := newScene(f)
	f.Cleanup(stop)
	seq := 1 << 20
	f.Fuzz(func(t *testing.T, plain []byte) {
		if len(plain) > maxMessage {
			return
		}
		t.Helper()
		s.TB = t
		took := takes(func() {
			if len(plain) < 32<<10 {
				s.send(s.packet(plain))
			}
			seq++
			s.ping(seq) // by then the packet has been read
			s.ask(plain)
		})
		if most := uint64(16<<20 + 64*len(plain)); took > most {
			t.Errorf("%d bytes took %d", len(plain), took)
		}
	})
}

// FuzzOpen gives the seal anything: what strangers send.
func FuzzOpen(f *testing.F) {
	s, err := newSeal(make([]byte, 32), log1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.packet([]byte("x")))
	f.Add(s.packet(nil))
	f.Add(append(slices.Clone(s.header), sealVersion))
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, err := s.openPacket(b); err == nil && len(plain) != len(b)-s.overhead() {
			t.Errorf("%d bytes open to %d", len(b), len(plain))
		}
	})
}
