package metrics

import (
	"cmp"
	"slices"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
)

// The bounds of labels.
const (
	maxAuthors   = 50
	maxPeers     = 100
	maxFollowers = 100
	// rest is the author that stands for those who are not shown.
	rest = "other"
	// stays is for how long an author is shown after its last entry, though others are more active.
	stays = 15 * time.Minute
)

// shown is which authors are shown. The node's own is, and those who have written last; whoever is shown stays so while
// it writes at all, so that the series of active authors do not come and go.
type shown struct{ before map[crdt.Author]bool }

// chosen are the parts of a [Look] that labels make a choice of.
type chosen struct {
	feeds  []eventlog.FeedStats // that are shown
	others eventlog.FeedStats   // the sum of the rest
	hidden int                  // how many those are
	missed uint64               // of all feeds
	peers  []gossip.Member
	// followers are those that run first, and of them those furthest behind.
	followers []eventlog.FollowerStatus
	names     map[crdt.Author]string // of all that are shown
}

// choose chooses which authors and peers are shown.
func (s *shown) choose(l *Look) {
	c := &chosen{names: make(map[crdt.Author]string)}
	l.chosen = c
	rank := func(f *eventlog.FeedStats) int {
		switch {
		case f.Author == l.Self:
			return 2
		case s.before[f.Author] && l.At.Sub(f.Clock.Time()) < stays:
			return 1
		}
		return 0
	}
	better := func(a, b *eventlog.FeedStats) int {
		return cmp.Or(cmp.Compare(rank(b), rank(a)), cmp.Compare(b.Clock, a.Clock), a.Author.Compare(b.Author))
	}
	l.Feeds(func(f eventlog.FeedStats) {
		c.missed += f.Missed
		if len(c.feeds) == maxAuthors && better(&c.feeds[maxAuthors-1], &f) < 0 {
			c.hide(f)
			return
		}
		at, _ := slices.BinarySearchFunc(c.feeds, f, func(a, b eventlog.FeedStats) int { return better(&a, &b) })
		c.feeds = slices.Insert(c.feeds, at, f)
		if len(c.feeds) > maxAuthors {
			c.hide(c.feeds[maxAuthors])
			c.feeds = c.feeds[:maxAuthors]
		}
	})
	s.before = make(map[crdt.Author]bool, len(c.feeds))
	for _, f := range c.feeds {
		s.before[f.Author] = true
	}
	c.peers = slices.Clone(l.Network.Members)
	slices.SortStableFunc(c.peers, func(a, b gossip.Member) int { // by author, as they come
		return cmp.Or(-compare(a.Linked, b.Linked), -compare(a.State == gossip.Alive, b.State == gossip.Alive))
	})
	c.peers = c.peers[:min(len(c.peers), maxPeers)]
	if l.Sample != nil {
		c.followers = slices.Clone(l.Sample.Followers)
		slices.SortStableFunc(c.followers, func(a, b eventlog.FollowerStatus) int { // by name, as they come
			return cmp.Or(-compare(a.Running, b.Running), cmp.Compare(b.Lag, a.Lag))
		})
		c.followers = c.followers[:min(len(c.followers), maxFollowers)]
	}
	c.name()
}

// hide counts a feed among those that are not shown.
func (c *chosen) hide(f eventlog.FeedStats) {
	c.hidden++
	c.others.Entries += f.Entries
	c.others.Bytes += f.Bytes
}

// name gives each author and peer its short form as a name, and its whole where others have the same: keys can be made
// whose short forms are alike.
func (c *chosen) name() {
	var all []crdt.Author
	for _, f := range c.feeds {
		all = append(all, f.Author)
	}
	for _, m := range c.peers {
		all = append(all, m.Author)
	}
	slices.SortFunc(all, crdt.Author.Compare)
	all = slices.Compact(all)
	for i, a := range all {
		c.names[a] = a.Short()
		if i > 0 && all[i-1].Short() == a.Short() || i+1 < len(all) && all[i+1].Short() == a.Short() {
			c.names[a] = a.String()
		}
	}
}

// compare compares two truths, of which false comes first.
func compare(a, b bool) int { return cmp.Compare(truth(a), truth(b)) }

// ofShown puts a value of each author that is shown.
func ofShown(of func(*eventlog.FeedStats) float64) func(*Look, put) {
	return func(l *Look, put put) {
		for i := range l.feeds {
			put(of(&l.feeds[i]), l.names[l.feeds[i].Author])
		}
	}
}

// ofAuthors is ofShown with the sum of the others.
func ofAuthors(of func(*eventlog.FeedStats) float64) func(*Look, put) {
	return func(l *Look, put put) {
		ofShown(of)(l, put)
		if l.hidden > 0 {
			put(of(&l.others), rest)
		}
	}
}

// ofPeers returns a row of peers, of those of which there is something to say.
func ofPeers(name, help string, of func(*Look, *gossip.Member) (float64, bool)) metric {
	return each(gauge, name, help, "peer", maxPeers, func(l *Look, put put) {
		for i := range l.peers {
			if v, known := of(l, &l.peers[i]); known {
				put(v, l.names[l.peers[i].Author])
			}
		}
	})
}

// ofFollowers returns a row of followers.
func ofFollowers(k kind, name, help string, of func(*eventlog.FollowerStatus) float64) metric {
	return each(k, name, help, "follower", maxFollowers, func(l *Look, put put) {
		for i := range l.followers {
			put(of(&l.followers[i]), l.followers[i].Name)
		}
	})
}
