package access_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/node/access"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

// ticket returns a ticket of the token of a secret for "/a?b=c".
func ticket(t *testing.T, s *access.Store, secret string, ttl time.Duration) (string, time.Time) {
	t.Helper()
	g, err := s.Check(secret)
	if err != nil {
		t.Fatal(err)
	}
	ticket, expires, err := s.Ticket(g, "/a?b=c", ttl)
	if err != nil {
		t.Fatal(err)
	}
	return ticket, expires
}

// TestATicketReadsOneThing: it grants reading alone, of its own target, through restarts, and nothing once a byte of it
// is another.
func TestATicketReadsOneThing(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	secret := create(t, s, api.TokenRequest{Name: "t", Scopes: []api.Scope{api.ScopeAdmin}})
	ticket, _ := ticket(t, s, secret, time.Hour)
	for _, s := range []*access.Store{s, opened(t, dir)} {
		g, err := s.CheckTicket(ticket, "/a?b=c")
		if err != nil {
			t.Fatal(err)
		}
		if want := []api.Scope{api.ScopeRead, api.ScopeMetrics}; g.Name != "t" || !slices.Equal(g.Scopes, want) {
			t.Errorf("it grants %+v, want %v", g, want)
		}
	}
	for _, target := range []string{"/a?b=d", "/a?", "/a", "", "/a?b=c&d"} {
		_, err := s.CheckTicket(ticket, target)
		refused(t, err, ticket)
	}
	for i := range len(ticket) - 1 { // the last has bits that say nothing
		other := []byte(ticket)
		other[i] ^= 1
		_, err := s.CheckTicket(string(other), "/a?b=c")
		refused(t, err, string(other))
	}
	for _, shown := range []string{"", "quipu_ticket_", secret, ticket[:40], ticket + "aaaaaaaa"} {
		_, err := s.CheckTicket(shown, "/a?b=c")
		refused(t, err, shown)
	}
	_, err := s.Check(ticket)
	refused(t, err, ticket)
	_, err = opened(t, t.TempDir()).CheckTicket(ticket, "/a?b=c")
	refused(t, err, ticket)
}

// TestATicketEnds: with its time, which is no longer than its token's, and with its token.
func TestATicketEnds(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, dir)
		lasting, short := create(t, s, reader("long")), create(t, s, api.TokenRequest{Name: "short", Scopes: []api.Scope{api.ScopeRead}, TTL: age.Age(time.Hour)})
		begin := time.Now()
		for name, c := range map[string]struct {
			secret       string
			ttl, expires time.Duration
		}{
			"as long as it says":    {lasting, time.Minute, time.Minute},
			"as long as may be":     {lasting, 0, api.MaxTicket},
			"as long as the token":  {short, 2 * time.Hour, time.Hour},
			"no longer than may be": {lasting, api.MaxTicket, api.MaxTicket},
		} {
			if _, expires := ticket(t, s, c.secret, c.ttl); expires.Sub(begin).Round(time.Second) != c.expires {
				t.Errorf("%s: %s, want %s", name, expires.Sub(begin), c.expires)
			}
		}
		g, err := s.Check(lasting)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Ticket(g, "/a?b=c", api.MaxTicket+time.Second); err == nil {
			t.Error("a ticket is good for longer than may be")
		}
		minute, _ := ticket(t, s, lasting, time.Minute)
		hours, _ := ticket(t, s, lasting, 0)
		g, err = s.CheckTicket(minute, "/a?b=c")
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		defer g.OnEnd(func() { close(over) })()
		time.Sleep(time.Minute)
		<-over
		_, err = s.CheckTicket(minute, "/a?b=c")
		refused(t, err, minute)
		g, err = s.CheckTicket(hours, "/a?b=c")
		if err != nil || ended(g) {
			t.Fatal(err)
		}
		if err := s.Revoke("long"); err != nil {
			t.Fatal(err)
		}
		create(t, s, reader("long"))
		_, err = s.CheckTicket(hours, "/a?b=c")
		if refused(t, err, hours); !ended(g) {
			t.Error("what a ticket granted outlives its token")
		}
	})
}

// TestTheKeyOfTheTickets is its owner's alone; a damaged one is told, and one that was taken away voids the tickets.
func TestTheKeyOfTheTickets(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	secret := create(t, s, reader("t"))
	path := filepath.Join(dir, "tickets.key")
	if _, err := os.Stat(path); err == nil {
		t.Error("there is a key before there is a ticket")
	}
	old, _ := ticket(t, s, secret, 0)
	if stat, err := os.Stat(path); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", stat.Mode(), err)
	}
	for _, spoil := range []func() error{
		func() error { return os.WriteFile(path, []byte("deadbeef\n"), 0o600) },
		func() error { return os.WriteFile(path, nil, 0o600) },
		func() error { return os.Chmod(path, 0o640) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		g, err := s.Check(secret)
		if err != nil {
			t.Fatal(err)
		}
		_, _, made := s.Ticket(g, "/a?b=c", 0)
		_, checked := s.CheckTicket(old, "/a?b=c")
		for _, err := range []error{made, checked} {
			if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "deadbeef") {
				t.Errorf("a damaged key: %v", err)
			}
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := s.CheckTicket(old, "/a?b=c")
	refused(t, err, old)
	again, _ := ticket(t, s, secret, 0)
	if _, err := s.CheckTicket(again, "/a?b=c"); err != nil {
		t.Errorf("a ticket of the new key: %v", err)
	}
}
