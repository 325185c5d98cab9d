package membership

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/vectortest"
)

type (
	announcementVector struct {
		About    string      `json:"about"`
		Log      crdt.LogID  `json:"log"`
		Author   crdt.Author `json:"author"`
		Address  string      `json:"address"`
		Port     uint16      `json:"port"`
		Counter  uint64      `json:"counter"`
		Name     string      `json:"name"`
		Signed   string      `json:"signed"`
		Metadata string      `json:"metadata"`
		Holds    bool        `json:"holds"`
	}
	advertsVector struct {
		About   string       `json:"about"`
		Message string       `json:"message"`
		Adverts []advertForm `json:"adverts"` // null where the message is refused
	}
	advertForm struct {
		Author crdt.Author `json:"author"`
		Heads  []crdt.Head `json:"heads"`
	}
	sealedVector struct {
		About  string     `json:"about"`
		Log    crdt.LogID `json:"log"`
		Key    string     `json:"key"`
		Where  string     `json:"where"` // packet; opened: a stream's first bytes, from who has dialled; answer
		Nonce  string     `json:"nonce"`
		Data   string     `json:"data"` // associated data
		Plain  string     `json:"plain"`
		Sealed string     `json:"sealed"` // all bytes as they are sent
		Opens  bool       `json:"opens"`
	}
	messageVector struct {
		About   string `json:"about"`
		Where   string `json:"where"` // packet, opened, answer
		Message string `json:"message"`
		Passes  bool   `json:"passes"`
	}
)

// TestVectorsMembership holds announcements and adverts against docs/vectors/membership.json.
func TestVectorsMembership(t *testing.T) {
	var file struct {
		About         string               `json:"about"`
		Announcements []announcementVector `json:"announcements"`
		Adverts       []advertsVector      `json:"adverts"`
		Sealed        []sealedVector       `json:"sealed"`
		Messages      []messageVector      `json:"messages"`
	}
	file.About = "What members say about themselves, the messages that name heads, what these and the others are sealed in, and what may be. The seeds of the authors are 32 bytes of 01, of 02 and so on."
	six := netip.MustParseAddrPort("[2001:db8::7]:7946")
	key := keyOf(1)
	file.Announcements = []announcementVector{
		announcementOf("an address of IPv4", key, announcement{addr: addr, counter: 1_700_000_000_123, name: "käse"}, nil),
		announcementOf("an address of IPv6, without a name", key, announcement{addr: six}, nil),
		announcementOf("another counter than what is signed", key, announcement{addr: addr, counter: 5}, func(b []byte) []byte { b[8]++; return b }),
		announcementOf("a name that is not UTF-8", key, announcement{addr: addr, name: "\xff"}, nil),
		announcementOf("a length of the name that is wrong", key, announcement{addr: addr, name: "ab"}, func(b []byte) []byte { b[9]--; return b }),
		announcementOf("version 2", key, announcement{addr: addr}, func(b []byte) []byte { b[0] = 2; return b }),
		announcementOf("cut off", key, announcement{addr: addr}, func(b []byte) []byte { return b[:len(b)-1] }),
	}
	two := appendAdvert(appendAdvert([]byte{advertVersion}, advertOf(1, 9, 2)), advertOf(2, 1, 1))
	for _, v := range []struct {
		about string
		b     []byte
	}{
		{"two authors", two},
		{"nobody", two[:1]},
		{"version 2", append([]byte{2}, two[1:]...)},
		{"cut off", two[:len(two)-1]},
		{"no heads", append(slices.Clone(two[:33]), 0)},
		{"nine heads", appendAdvert([]byte{advertVersion}, advertOf(1, 20, maxAdvertHeads+1))},
		{"heads out of order", appendAdvert([]byte{advertVersion}, Advert{Heads: []crdt.Head{{Next: 2, ID: crdt.OpID{1}}, {Next: 1, ID: crdt.OpID{1}}}})},
		{"a head twice", appendAdvert([]byte{advertVersion}, Advert{Heads: []crdt.Head{{Next: 2, ID: crdt.OpID{1}}, {Next: 2, ID: crdt.OpID{1}}}})},
		{"a head at 0", appendAdvert([]byte{advertVersion}, Advert{Heads: []crdt.Head{{ID: crdt.OpID{1}}}})},
		{"a head without an id", appendAdvert([]byte{advertVersion}, Advert{Heads: []crdt.Head{{Next: 1}}})},
	} {
		w := advertsVector{About: v.about, Message: hex.EncodeToString(v.b)}
		adverts, err := parseAdverts(v.b)
		if err == nil {
			w.Adverts = []advertForm{}
		}
		for _, a := range adverts {
			w.Adverts = append(w.Adverts, advertForm(a))
		}
		file.Adverts = append(file.Adverts, w)
	}
	file.Sealed = sealedVectors(t)
	file.Messages = messageVectors(t)
	vectortest.Check(t, "membership.json", file)
}

// sealedVectors seals with the cipher alone, and has what comes of it opened.
func sealedVectors(t *testing.T) []sealedVector {
	t.Helper()
	key := bytes.Repeat([]byte{0xab}, 32)
	s, err := newSeal(key, log1)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	vector := func(about, where string, plain []byte, change func(b []byte) []byte) sealedVector {
		nonce := []byte("twelve bytes")
		data, b := []byte(log1.String()), slices.Concat([]byte{244, 32}, []byte(log1.String()))
		if where != "packet" {
			head := binary.BigEndian.AppendUint32([]byte{10}, uint32(1+12+len(plain)+16))
			data, b = slices.Concat(head, data), append(b, head...)
		}
		b = aead.Seal(append(append(b, 1), nonce...), nonce, plain, data)
		if where == "answer" {
			b = b[len(s.header):]
		}
		if change != nil {
			b = change(b)
		}
		return sealedVector{
			About: about, Log: log1, Key: hex.EncodeToString(key), Where: where, Plain: hex.EncodeToString(plain), Nonce: hex.EncodeToString(nonce),
			Data: hex.EncodeToString(data), Sealed: hex.EncodeToString(b), Opens: opensTo(t, s, where, b, plain),
		}
	}
	ping := pingOf(1)
	at := len(s.header)
	return []sealedVector{
		vector("a packet", "packet", ping, nil),
		vector("the beginning of a stream", "opened", ping, nil),
		vector("an answer", "answer", messageOf(kindAck, "SeqNo", 1, "Payload", nil), nil),
		vector("an empty packet", "packet", nil, nil),
		vector("an empty message", "opened", nil, nil),
		vector("version 0", "packet", ping, func(b []byte) []byte { b[at] = 0; return b }),
		vector("another label", "packet", ping, func(b []byte) []byte { b[at-1] ^= 1; return b }),
		vector("no label", "packet", ping, func(b []byte) []byte { return b[at:] }),
		vector("a byte changed", "packet", ping, func(b []byte) []byte { b[len(b)-1] ^= 1; return b }),
		vector("cut off", "packet", ping, func(b []byte) []byte { return b[:at+20] }),
		vector("another length", "answer", ping, func(b []byte) []byte { b[4]--; return b[:len(b)-1] }),
		vector("a length beyond the limit", "answer", ping, func(b []byte) []byte { b[1] = 0x7f; return b }),
	}
}

// opensTo reports whether s opens what was sealed, which must then be plain.
func opensTo(t *testing.T, s *seal, where string, b, plain []byte) bool {
	t.Helper()
	var got []byte
	var err error
	switch r := bytes.NewReader(b); where {
	case "packet":
		got, err = s.openPacket(b)
	case "opened":
		if err = s.readHeader(r); err == nil {
			got, err = s.readMessage(r)
		}
	case "answer":
		got, err = s.readMessage(r)
	}
	if err == nil && !bytes.Equal(got, plain) {
		t.Errorf("opened to %x, want %x", got, plain)
	}
	return err == nil
}

// messageVectors has messages checked, where they stand.
func messageVectors(t *testing.T) []messageVector {
	t.Helper()
	var vectors []messageVector
	for _, v := range []messageVector{
		{About: "ping", Where: "packet", Message: string(pingOf(1))},
		{About: "ping, with where to answer", Where: "packet", Message: string(messageOf(kindPing, "SeqNo", 1, "Node", nodeName, "SourceAddr", ip, "SourcePort", 7946, "SourceNode", insiderName))},
		{About: "ping", Where: "opened", Message: string(pingOf(1))},
		{About: "relay", Where: "packet", Message: string(relayOf())},
		{About: "ack", Where: "packet", Message: string(messageOf(kindAck, "SeqNo", 1, "Payload", nil))},
		{About: "ack", Where: "answer", Message: string(messageOf(kindAck, "SeqNo", 1, "Payload", nil))},
		{About: "ack, nobody asks for", Where: "opened", Message: string(messageOf(kindAck, "SeqNo", 1, "Payload", nil))},
		{About: "nack", Where: "packet", Message: string(messageOf(kindNack, "SeqNo", 1))},
		{About: "suspect", Where: "packet", Message: string(messageOf(kindSuspect, "Incarnation", 1, "Node", nodeName, "From", insiderName))},
		{About: "dead", Where: "packet", Message: string(messageOf(kindDead, "Incarnation", 1, "Node", nodeName, "From", nodeName))},
		{About: "alive", Where: "packet", Message: string(aliveOf(3))},
		{About: "alive, states other versions", Where: "packet", Message: string(bytes.Replace(aliveOf(3), vsn, []byte{5, 5, 5, 0, 0, 0}, 1))},
		{About: "a compound of ping and alive", Where: "packet", Message: string(compoundOf(pingOf(1), aliveOf(3)))},
		{About: "with a checksum", Where: "packet", Message: string(summed(compoundOf(pingOf(1), aliveOf(3))))},
		{About: "a compound in a compound", Where: "packet", Message: string(compoundOf(compoundOf(pingOf(1))))},
		{About: "a compound with an empty message", Where: "packet", Message: string(compoundOf(pingOf(1), nil))},
		{About: "push and pull of two nodes", Where: "opened", Message: string(pushPullOf(2, make([]byte, 32)))},
		{About: "push and pull of nobody", Where: "answer", Message: string(pushPullOf(0, nil))},
		{About: "push and pull that claims more nodes", Where: "opened", Message: string(append([]byte{byte(kindPushPull)}, headerOf(1<<20, 0)...))},
		{About: "push and pull in a packet", Where: "packet", Message: string(pushPullOf(0, nil))},
		{About: "memberlist's kind for compressed messages", Where: "packet", Message: string(packed(t, 100))},
		{About: "memberlist's user message on a stream", Where: "opened", Message: "\x08\x81\xaaUserMsgLen\x01\x00"},
		{About: "a number with a sign, not negative", Where: "packet", Message: string(messageOf(kindNack, "SeqNo", raw{0xd1, 0x01, 0x00}))},
		{About: "a negative number", Where: "packet", Message: string(messageOf(kindNack, "SeqNo", raw{0xd1, 0xff, 0xff}))},
		{About: "a field that is not known", Where: "packet", Message: string(messageOf(kindNack, "SeqNo", 1, "New", "text"))},
		{About: "a field that is an array", Where: "packet", Message: string(messageOf(kindNack, "SeqNo", 1, "New", raw{0x91, 1}))},
		{About: "a field twice", Where: "packet", Message: string(messageOf(kindNack, "SeqNo", 1, "SeqNo", 1))},
		{About: "a field missing", Where: "packet", Message: string(messageOf(kindPing, "SeqNo", 1))},
		{About: "bytes left over", Where: "packet", Message: string(append(pingOf(1), 0))},
	} {
		b := []byte(v.Message)
		var err error
		switch v.Where {
		case "packet":
			_, err = checkPacket(b)
		case "opened":
			err = checkStream(b, kindPing)
		case "answer":
			err = checkStream(b, kindAck)
		}
		v.Message, v.Passes = hex.EncodeToString(b), err == nil
		vectors = append(vectors, v)
	}
	return vectors
}

// announcementOf returns the vector of an announcement by key, after a change to its metadata.
func announcementOf(about string, key ed25519.PrivateKey, a announcement, change func([]byte) []byte) announcementVector {
	a.author = crdt.AuthorOf(key)
	meta := a.sign(key, log1)
	if change != nil {
		meta = change(meta)
	}
	back, err := parseAnnouncement(log1, a.author, a.addr, meta)
	return announcementVector{
		About: about, Log: log1, Author: a.author, Address: a.addr.Addr().String(), Port: a.addr.Port(), Counter: a.counter, Name: a.name,
		Signed: hex.EncodeToString(a.message(log1)), Metadata: hex.EncodeToString(meta), Holds: err == nil && back == a,
	}
}
