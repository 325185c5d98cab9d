package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// awaitFollower waits until a follower's place is behind n entries.
func (m *member) awaitFollower(name string, n int) {
	m.t.Helper()
	var f struct{ Cursor int }
	eventually(m.t, fmt.Sprintf("%s has its place behind %d entries", name, n), func() bool {
		if err := json.Unmarshal([]byte(m.on("followers", "show", name, "--format", "json")), &f); err != nil {
			m.t.Fatal(err)
		}
		return f.Cursor >= n
	}, func() string { return fmt.Sprint(f) })
}

// connect returns a client of the member's daemon.
func (m *member) connect() *client.Client {
	m.t.Helper()
	c, err := node.ConnectDaemon(m.t.Context(), m.dir)
	if err != nil {
		m.t.Fatal(err)
	}
	return c
}

// TestAConsumerOfAKilledDaemon kills a daemon with SIGKILL between what its consumer does with a batch and the ack, and
// behind the ack. What was acked never comes again, what was not does, with the same entries in the same order, and its
// old lease is lost; nothing is left out.
func TestAConsumerOfAKilledDaemon(t *testing.T) {
	t.Parallel()
	m := newCluster(t, 1)[0]
	m.start()
	const entries, most = 12, 3
	for i := range entries {
		m.on("append", "--kind", "k", "--subject", fmt.Sprint(i))
	}
	r := api.FetchRequest{Name: "f", FollowerConfig: api.FollowerConfig{MaxEntries: most}}
	var handled, acked []string
	for round := 0; len(acked) < entries; round++ {
		c := m.connect()
		b, err := c.Fetch(t.Context(), r)
		if err != nil || len(b.Entries) != most {
			t.Fatalf("round %d: %+v, %v", round, b, err)
		}
		for _, e := range b.Entries {
			handled = append(handled, e.Subject)
		}
		if round%2 == 0 {
			m.kill()
			if _, err := c.Ack(t.Context(), "f", b.Lease); !errors.Is(err, api.ErrLeft) {
				t.Errorf("round %d: an ack to a daemon that is gone: %v", round, err)
			}
			m.start()
			_, err = c.Ack(t.Context(), "f", b.Lease)
			if refusal, ok := errors.AsType[*api.Error](err); !ok || refusal.Code != api.LeaseLost {
				t.Errorf("round %d: an ack of a lease of before: %v", round, err)
			}
		} else {
			if n, err := c.Ack(t.Context(), "f", b.Lease); n != most || err != nil {
				t.Fatalf("round %d: ack: %d, %v", round, n, err)
			}
			for _, e := range b.Entries {
				acked = append(acked, e.Subject)
			}
			m.kill()
			m.start()
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	var want, twice []string
	for i := range entries {
		want = append(want, fmt.Sprint(i))
	}
	for batch := range slices.Chunk(want, most) {
		twice = append(append(twice, batch...), batch...)
	}
	if !slices.Equal(acked, want) || !slices.Equal(handled, twice) {
		t.Errorf("acked %q, handled %q", acked, handled)
	}
	var f api.Follower
	if err := json.Unmarshal([]byte(m.on("followers", "show", "f", "--format", "json")), &f); err != nil || f.Cursor < entries || f.Failure != nil || f.Running {
		t.Errorf("%+v, %v", f, err)
	}
	sameLogsThatVerify(t, []*member{m})
}

// TestConsumeGoesOnOverKills kills the daemon under a consumer that waits for what comes next: it takes up the next one
// by itself.
func TestConsumeGoesOnOverKills(t *testing.T) {
	t.Parallel()
	m := newCluster(t, 1)[0]
	m.start()
	c := m.connect()
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	given, ended := make(chan string), make(chan error)
	go func() {
		ended <- c.Consume(ctx, api.FetchRequest{Name: "f"}, func(_ context.Context, b api.Fetched) error {
			for _, e := range b.Entries {
				given <- e.Subject
			}
			return nil
		})
	}()
	for i := range 3 {
		m.on("append", "--kind", "k", "--subject", fmt.Sprint(i))
		if got := <-given; got != fmt.Sprint(i) {
			t.Errorf("given %s, want %d", got, i)
		}
		m.awaitFollower("f", i+1) // the ack
		m.kill()
		m.start()
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}
