package membership

import (
	"crypto/ed25519"
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
)

// TestVectorsMembership holds announcements and adverts against docs/vectors/membership.json.
func TestVectorsMembership(t *testing.T) {
	var file struct {
		About         string               `json:"about"`
		Announcements []announcementVector `json:"announcements"`
		Adverts       []advertsVector      `json:"adverts"`
	}
	file.About = "What members say about themselves, as metadata of memberlist, and the messages that name heads. The seeds of the authors are 32 bytes of 01 and of 02."
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
	vectortest.Check(t, "membership.json", file)
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
