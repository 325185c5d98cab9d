package membership

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
)

// advertOf returns an advert of n heads up to next for the i-th author.
func advertOf(i int, next uint64, n int) Advert {
	a := Advert{Author: crdt.Author(binary.BigEndian.AppendUint32(make([]byte, 28), uint32(i)))}
	for k := range n {
		a.Heads = append(a.Heads, crdt.Head{Next: next - uint64(n-1-k), ID: crdt.OpID{byte(next), byte(k), 1}})
	}
	return a
}

// The limit of a packet holds, every advert is sent as often as it should be, and no more.
func TestBoardSendsEachAdvertEnough(t *testing.T) {
	const limit, times, authors = 1390, 4, 100
	b := &board{waiting: make(map[crdt.Author]*posted)}
	for i := range authors {
		b.post(advertOf(i, 50, 1+i%3))
	}
	sent := make(map[crdt.Author]int)
	for {
		msg := b.message(limit, times)
		if msg == nil {
			break
		}
		if len(msg) > limit {
			t.Fatalf("a message of %d bytes, the limit is %d", len(msg), limit)
		}
		adverts, err := parseAdverts(msg)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range adverts {
			sent[a.Author]++
		}
	}
	for i := range authors {
		if n := sent[advertOf(i, 1, 1).Author]; n != times {
			t.Errorf("advert %d was sent %d times", i, n)
		}
	}
}

func TestBoardReplacesAndIsBounded(t *testing.T) {
	b := &board{waiting: make(map[crdt.Author]*posted)}
	b.post(advertOf(1, 10, 1))
	b.post(advertOf(1, 99, 20))
	adverts, err := parseAdverts(b.message(1390, 4))
	if err != nil || len(adverts) != 1 || len(adverts[0].Heads) != maxAdvertHeads || adverts[0].next() != 99 {
		t.Errorf("got %v, %v", adverts, err)
	}
	for i := range 3 * maxAdverts {
		b.post(advertOf(i, 1, 1))
	}
	if n := len(b.waiting); n != maxAdverts {
		t.Errorf("%d adverts wait", n)
	}
}

func TestAdvertsRoundTripAndRefusal(t *testing.T) {
	want := []Advert{advertOf(1, 9, 3), advertOf(2, 1, 1)}
	msg := appendAdvert(appendAdvert([]byte{advertVersion}, want[0]), want[1])
	got, err := parseAdverts(msg)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("adverts (-want +got):\n%s", diff)
	}
	clear(msg) // The bytes are memberlist's: nothing may refer to them.
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("adverts after their bytes were used again:\n%s", diff)
	}
	msg = appendAdvert(appendAdvert([]byte{advertVersion}, want[0]), want[1])
	whole := []int{1, 1 + want[0].size()}
	for n := range msg {
		if _, err := parseAdverts(msg[:n]); err == nil && !slices.Contains(whole, n) {
			t.Errorf("cut to %d bytes it parses", n)
		}
	}
	backwards := want[0]
	backwards.Heads = slices.Clone(backwards.Heads)
	slices.Reverse(backwards.Heads)
	for name, bad := range map[string][]byte{
		"other version": append([]byte{2}, msg[1:]...),
		"no heads":      appendAdvert([]byte{advertVersion}, Advert{Author: want[0].Author}),
		"order":         appendAdvert([]byte{advertVersion}, backwards),
		"many heads":    appendAdvert([]byte{advertVersion}, advertOf(1, 50, maxAdvertHeads+1)),
		"too high":      appendAdvert([]byte{advertVersion}, advertOf(1, crdt.MaxSeq, 1)),
	} {
		if _, err := parseAdverts(bad); err == nil {
			t.Errorf("%s: parsed", name)
		}
	}
}

func FuzzParseAdverts(f *testing.F) {
	f.Add(appendAdvert([]byte{advertVersion}, advertOf(1, 9, 3)))
	f.Fuzz(func(t *testing.T, b []byte) {
		adverts, err := parseAdverts(bytes.Clone(b))
		if err != nil {
			return
		}
		again := []byte{advertVersion}
		for _, a := range adverts {
			again = appendAdvert(again, a)
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("%x parsed and encodes to %x", b, again)
		}
	})
}

// A storm of adverts, of many authors and of one, ends in a bounded table with the largest of each.
func TestAdvertStorm(t *testing.T) {
	h := newHints()
	for i := range 100_000 {
		h.put([]Advert{advertOf(i%5000, uint64(i+1), 1)})
	}
	for i := range 1000 {
		h.put([]Advert{advertOf(7, uint64(1_000_000-i), 1)})
	}
	adverts, _ := h.take()
	if len(adverts) != maxAdverts {
		t.Errorf("%d adverts are kept", len(adverts))
	}
	for _, a := range adverts {
		if a.Author == advertOf(7, 1, 1).Author && a.next() != 1_000_000 {
			t.Errorf("the largest advert is %d", a.next())
		}
	}
	if again, differs := h.take(); len(again) != 0 || differs {
		t.Error("hints are handed over twice")
	}
}
