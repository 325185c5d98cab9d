package browser

import (
	"encoding/json"
	"slices"
	"testing"
)

// rounds is how often the daemon is killed under a page.
const rounds = 4

// TestAPageFollowsOverKills kills a daemon with SIGKILL again and again while entries are appended, and a page of another
// origin follows it by an EventSource, with a ticket. Its browser goes on by itself each time, with the same ticket, and has
// told each entry once and in order when it has told the last. What is trimmed while it is away it is told by the event gone.
// A token that is revoked ends it, for good.
func TestAPageFollowsOverKills(t *testing.T) {
	browser, origin := newBrowser(t), newOrigin(t)
	n := newNode(t, origin)
	p := open(t, browser, origin)
	p.follow(n.ticket(n.token("page", "read"), "/v1/tail?kind=note&offset=0"))

	f := follower{page: p}
	defer func() {
		if t.Failed() {
			t.Logf("the page was connected %d times and told %d entries, %d of them since: %q", f.opened, len(f.told), f.since, f.told[max(0, len(f.told)-3):])
		}
	}()
	for round := range rounds {
		f.ahead = make(chan struct{}, 100)
		killed, ended := make(chan struct{}), make(chan error, 1)
		go func() { ended <- n.appendUntil(killed, f.ahead) }()
		f.hear(func() bool { return f.opened > round })
		f.hear(func() bool { return f.since >= 50 })
		n.Kill()
		close(killed)
		t.Logf("killed after %d entries were told; the last append: %v", len(f.told), <-ended)
		n.start()
	}
	if err := n.append(); err != nil {
		t.Fatal(err)
	}
	want := n.log()
	t.Logf("the log has %d entries", len(want))
	f.hear(func() bool { return len(f.told) >= len(want) })
	for i := range want {
		if f.told[i] != want[i] {
			t.Fatalf("entry %d is %s, the page was told %s", i, want[i], f.told[i])
		}
	}
	for _, subject := range n.acked {
		if !slices.Contains(want, subject) {
			t.Errorf("%s was acked, and is not there", subject)
		}
	}
	n.trimmedAway(p)
	n.revoked(p)
}

// follower is a page that follows, and what it has told of that.
type follower struct {
	*page
	told   []string      // the subjects of entries
	opened int           // connections
	since  int           // entries on the last of them
	ahead  chan struct{} // has one for each entry that was appended and is not told
}

// hear notes what the page tells until there is enough of it.
func (f *follower) hear(enough func() bool) {
	f.t.Helper()
	for !enough() {
		switch s := f.page.hear(); {
		case s.What == "entry":
			f.told = append(f.told, s.entry(f.t).Subject)
			f.since++
			select {
			case <-f.ahead:
			default: // it is of the round before
			}
		case s.What == "open":
			f.opened++
			f.since = 0
		case s.What != "error" || s.Over:
			f.t.Fatalf("connected %d times and after %d entries the page tells %+v", f.opened, len(f.told), s)
		}
	}
}

// trimmedAway kills the daemon under a page that follows it, and trims what is appended meanwhile.
func (n *node) trimmedAway(p *page) {
	n.t.Helper()
	n.Kill()
	const gone = 3
	for range gone {
		n.Quipu(n.t, "append", "--kind", "note", "--retention", "trimmable")
	}
	n.Quipu(n.t, "trim", "--min-age", "0", "--min-count", "0", "--force")
	n.start()
	if err := n.append(); err != nil {
		n.t.Fatal(err)
	}
	var what struct{ Entries uint64 }
	s := p.hear()
	for ; s.What != "entry"; s = p.hear() {
		if s.What != "gone" {
			continue
		}
		if err := json.Unmarshal([]byte(s.Data), &what); err != nil || s.ID == "" {
			n.t.Fatalf("%+v: %v", s, err)
		}
	}
	if got, want := s.entry(n.t).Subject, n.acked[len(n.acked)-1]; what.Entries != gone || got != want {
		n.t.Errorf("the page was told that %d entries are gone, and then %s: want %d, and %s", what.Entries, got, gone, want)
	}
}

// revoked ends the token of a page that follows.
func (n *node) revoked(p *page) {
	n.t.Helper()
	n.Quipu(n.t, "token", "revoke", "page")
	for s := p.hear(); !s.Over; s = p.hear() {
		if s.What == "entry" {
			n.t.Errorf("told behind the last entry: %+v", s)
		}
	}
}

// TestAPageOfAnotherOriginIsRefused: the ticket is good, the page is not.
func TestAPageOfAnotherOriginIsRefused(t *testing.T) {
	browser, origin, stranger := newBrowser(t), newOrigin(t), newOrigin(t)
	n := newNode(t, origin)
	if err := n.append(); err != nil {
		t.Fatal(err)
	}
	url := n.ticket(n.token("page", "read"), "/v1/tail?kind=note&offset=0")
	p := open(t, browser, stranger)
	p.follow(url)
	if s := p.hear(); s.What != "error" || !s.Over {
		t.Errorf("a stranger's page is told %+v", s)
	}
	p = open(t, browser, origin)
	p.follow(url)
	if s := p.hear(); s.What != "open" {
		t.Errorf("a page is told %+v", s)
	}
	if s := p.hear(); s.What != "entry" || s.entry(t).Subject != "1" {
		t.Errorf("a page is told %+v", s)
	}
}
