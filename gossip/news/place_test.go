package news_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/news"
)

// lazy is how long announcements are gathered here.
const lazy = time.Second

// peer is the other end of a link: process 9 of author 8.
type peer struct {
	eager bool
	shut  crdt.Author
}

func (p *peer) place(r *news.Ring) *news.Place {
	return r.Place(news.Peer{
		ID: crdt.Author{9}, Author: crdt.Author{8},
		Eager: func() bool { return p.eager }, Shut: func(a crdt.Author) bool { return a == p.shut },
	}, lazy)
}

// told is a head that a peer is told of: an author's first byte and the next seq.
type told struct {
	author byte
	next   uint64
}

// item returns the news that a feed has grown.
func item(author byte, next uint64) news.Item {
	return news.Item{Author: crdt.Author{author}, Head: crdt.Head{Next: next}, Run: crdt.Run{Ops: make([]crdt.Op, next)}}
}

// want checks what is pushed and what is announced at a moment.
func want(t *testing.T, p *news.Place, now time.Time, pushed, announced []told) {
	t.Helper()
	var runs, heads []told
	for m := p.Next(now); m != nil; m = p.Next(now) {
		runs = append(runs, told{m.Author[0], uint64(len(m.Run.Ops))})
	}
	if m := p.Announcement(now); m != nil {
		for _, h := range m.Haves {
			heads = append(heads, told{h.Author[0], h.Head.Next})
		}
	}
	if diff := cmp.Diff([][]told{pushed, announced}, [][]told{runs, heads}, cmp.AllowUnexported(told{})); diff != "" {
		t.Errorf("pushed and announced (-want +got):\n%s", diff)
	}
}

// An eager peer is pushed what comes, a lazy one is announced it, and neither is told what it knows, or does
// not want to know.
func TestWhatAPeerIsTold(t *testing.T) {
	now, ring := time.Now(), news.NewRing()
	ring.Put(item(1, 1)) // before the link
	p := &peer{eager: true, shut: crdt.Author{3}}
	place := p.place(ring)
	place.Answered(crdt.Author{4}, crdt.Head{Next: 10})
	brought, head := item(2, 2), item(5, 7)
	brought.From, head.Run = crdt.Author{9}, crdt.Run{}
	for _, n := range []news.Item{item(1, 5), brought, item(3, 3), item(4, 10), item(4, 11), item(8, 8), head} {
		ring.Put(n)
	}
	want(t, place, now, []told{{1, 5}, {4, 11}}, nil)
	want(t, place, now.Add(lazy), nil, []told{{5, 7}}) // a head without a run, to an eager peer too
	p.eager = false
	ring.Put(item(2, 4))
	ring.Put(item(1, 6))
	ring.Put(item(1, 7))
	want(t, place, now, nil, nil)
	want(t, place, now.Add(lazy), nil, []told{{1, 7}, {2, 4}})
	p.eager = true
	ring.Put(item(1, 8))
	want(t, place, now.Add(lazy), []told{{1, 8}}, nil)
}

// A peer that is too slow for the news is announced the last heads of what it has missed, and an overrun is
// counted.
func TestSlowPeerIsAnnouncedWhatItMissed(t *testing.T) {
	now, ring := time.Now(), news.NewRing()
	slow, quick := (&peer{eager: true}).place(ring), (&peer{eager: true}).place(ring)
	for next := range uint64(4) {
		n := item(1, next+1)
		n.Size = news.MaxBytes/2 - 4096 // no room for a third
		ring.Put(n)
		want(t, quick, now, []told{{1, next + 1}}, nil)
	}
	ring.Put(item(2, 9))
	want(t, slow, now, nil, nil)
	want(t, slow, now.Add(lazy), nil, []told{{1, 4}, {2, 9}})
	ring.Put(item(2, 10))
	want(t, slow, now, []told{{2, 10}}, nil)
	if slow.Overruns() != 1 || quick.Overruns() != 0 {
		t.Errorf("%d and %d overruns, want 1 and 0", slow.Overruns(), quick.Overruns())
	}
}

// A writer is woken by what comes, and by what falls due.
func TestWaiting(t *testing.T) {
	now, ring := time.Now(), news.NewRing()
	place := new(peer).place(ring)
	more, due := place.Waiting(now)
	if due != 0 {
		t.Errorf("something is due in %s, want nothing", due)
	}
	ring.Put(item(1, 1))
	<-more
	if more, _ = place.Waiting(now); more == nil {
		t.Fatal("there is no news")
	}
	<-more // until it has been looked at
	want(t, place, now, nil, nil)
	more, due = place.Waiting(now.Add(lazy / 4))
	if due != lazy*3/4 {
		t.Errorf("due in %s, want %s", due, lazy*3/4)
	}
	select {
	case <-more:
		t.Error("woken by no news")
	default:
	}
}
