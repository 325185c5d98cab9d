package gossip_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip"
)

// TestAskOwnEnd asks where a feed ends while a peer holds more of it than can be stored here, and again once it
// has come; and with nobody to ask.
func TestAskOwnEnd(t *testing.T) {
	bubble(t, "a b", func(t *testing.T, c *cluster) {
		before := newMemLog(testKey(0), testGenesis)
		c.nodes["b"].mem.put(t, crdt.Run{Ops: []crdt.Op{before.append(t, 1), before.append(t, 1)}})
		c.nodes["a"].mem.setFail(&os.PathError{Op: "write", Path: "quipu.db", Err: syscall.ENOSPC})
		c.start()
		c.within(10*time.Second, "linked", func() bool { return c.linked(c.names...) })
		ask := func() (gossip.OwnEnd, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			return c.nodes["a"].AskOwnEnd(ctx, gossip.OwnEndQuestion{Alone: true})
		}
		if _, err := ask(); err == nil || !strings.Contains(err.Error(), "b (") || !strings.Contains(err.Error(), "holds entries of this node") {
			t.Errorf("while b holds more: %v", err)
		}
		c.nodes["a"].mem.setFail(nil)
		c.converge(20*time.Second, 2)
		end, err := ask()
		if err != nil || end.End.Next != 2 || len(end.Asked) != 1 || end.Asked[0] != c.author("b") || len(end.Missing) > 0 {
			t.Errorf("once it has come: %+v, %v", end, err)
		}
		c.crash("b")
		c.within(30*time.Second, "b is gone", func() bool { return !c.member("a", "b").Linked })
		end, err = ask()
		if !errors.Is(err, gossip.ErrNobodyAsked) || end.End.Next != 2 || len(end.Missing) != 1 || end.Missing[0].Author != c.author("b") {
			t.Errorf("with nobody linked: %+v, %v", end, err)
		}
	})
}
