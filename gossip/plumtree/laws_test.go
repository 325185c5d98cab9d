package plumtree

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quipulog/quipu/crdt"
)

// Whatever order events come in: exactly the neighbours are eager or lazy; a Graft is asked of a
// neighbour that has announced what it asks for since it came up and long enough ago, and that
// neighbour is eager then; nothing is done before the time that Next told, and what is due is done; the
// bounds hold.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 12
		tree := newTree(Config{MaxMissing: most, HopsThreshold: 2})
		up := make(map[crdt.Author]map[message]time.Time) // what each neighbour has announced, and when first
		now := begin
		anyone := rapid.Map(rapid.IntRange(1, 5), someone)
		messages := rapid.Custom(func(t *rapid.T) message {
			return message{someone(rapid.IntRange(100, 102).Draw(t, "author")), headAt(rapid.Uint64Range(1, 4).Draw(t, "next"))}
		})
		check := func(actions []Action, due time.Time) {
			for _, a := range actions {
				if up[a.Peer] == nil {
					t.Fatalf("%v of a peer that is not up", a)
				}
				if tree.Eager(a.Peer) != (a.Kind == Graft) {
					t.Fatalf("%v, and its peer is eager: %v", a, tree.Eager(a.Peer))
				}
				if a.Kind != Graft || a.Author.IsZero() {
					continue
				}
				since, announced := up[a.Peer][message{a.Author, a.Head}]
				if !announced || now.Sub(since) < 0 || due.IsZero() || now.Before(due) {
					t.Fatalf("%v, which the peer has not announced or whose time has not come", a)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"up":       func(t *rapid.T) { p := anyone.Draw(t, "p"); tree.Up(p); up[p] = make(map[message]time.Time) },
			"down":     func(t *rapid.T) { p := anyone.Draw(t, "p"); tree.Down(p); delete(up, p) },
			"grafted":  func(t *rapid.T) { tree.Grafted(anyone.Draw(t, "p")) },
			"detached": func(t *rapid.T) { tree.Detached(anyone.Draw(t, "p")) },
			"pushed": func(t *rapid.T) {
				m := messages.Draw(t, "message")
				check(tree.Pushed(anyone.Draw(t, "p"), m.author, m.head, rapid.IntRange(1, 9).Draw(t, "hops"), rapid.Bool().Draw(t, "fresh"), now), time.Time{})
				if tree.missing.find(m.author, m.head) != nil {
					t.Fatal("what was pushed is missing")
				}
			},
			"ihave": func(t *rapid.T) {
				p, m := anyone.Draw(t, "p"), messages.Draw(t, "message")
				tree.IHave(p, m.author, m.head, rapid.IntRange(1, 9).Draw(t, "hops"), now)
				if _, again := up[p][m]; !again && up[p] != nil {
					up[p][m] = now
				}
			},
			"has": func(t *rapid.T) {
				author, next := messages.Draw(t, "author").author, rapid.Uint64Range(0, 4).Draw(t, "next")
				tree.Has(author, func(h crdt.Head) bool { return h.Next <= next })
			},
			"tick": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "ms")) * time.Millisecond)
				due := tree.Next()
				check(tree.Tick(now), due)
				if next := tree.Next(); !next.IsZero() && !next.After(now) {
					t.Fatalf("after a tick at %v something is due at %v", now, next)
				}
			},
			"": func(t *rapid.T) { checkTree(t, tree, slices.Collect(maps.Keys(up)), most) },
		})
	})
}

type message struct {
	author crdt.Author
	head   crdt.Head
}

// checkTree verifies the invariants of a tree with the given neighbours.
func checkTree(t *rapid.T, tree *Tree, up []crdt.Author, most int) {
	if len(tree.peers) != len(up) {
		t.Fatalf("%d neighbours are eager or lazy, %d are up", len(tree.peers), len(up))
	}
	for _, p := range up {
		if tree.peers[p] == nil {
			t.Fatalf("%s is up and neither eager nor lazy", p.Short())
		}
	}
	found, began := 0, 0
	for author, feed := range tree.missing.feeds {
		for i, m := range feed {
			found++
			if m.author != author || tree.missing.timers[m.at] != m || i > 0 && feed[i-1].head.Compare(m.head) >= 0 {
				t.Fatalf("message %v of %s is out of place", m.head, author.Short())
			}
			for _, a := range m.announcements {
				if !slices.Contains(up, a.peer) {
					t.Fatalf("an announcement of %s, which is not up", a.peer.Short())
				}
			}
		}
	}
	for _, p := range tree.peers {
		began += p.began
	}
	if found != tree.Missing() || found > most || began > found {
		t.Fatalf("%d messages, %d timers, %d on the accounts of neighbours", found, tree.Missing(), began)
	}
}

func BenchmarkIHaveAndHas(b *testing.B) {
	tree := newTree(Config{}, alice, bob)
	next := uint64(0)
	for b.Loop() {
		next++
		tree.IHave(alice, writer, headAt(next), 1, begin)
		tree.IHave(bob, writer, headAt(next), 1, begin)
		tree.Has(writer, func(h crdt.Head) bool { return h.Next <= next })
	}
}
