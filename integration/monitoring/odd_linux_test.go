package monitoring

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/recorder"
	"github.com/quipulog/quipu/integration/daemon"
	quipu "github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/gateway"
)

// aNodeIsOdd runs a node in this process, of a version of its own, whose clock is set forward by an hour and right again, and in
// which a program records more than there is room for.
func aNodeIsOdd(t *testing.T, watch watch) {
	a := newNode(t, "a", "")
	b := newNode(t, "b", a.Log, "--join", a.Addr)
	odd := tokened(t, "odd", daemon.New(t, "odd", a.Log))
	var off atomic.Int64 // nanoseconds
	inside := odd.inside(t, quipu.Config{
		Version: "v0.0.0-odd", Join: []string{a.Addr, b.Addr}, Now: func() time.Time { return time.Now().Add(time.Duration(off.Load())) },
	})
	p := watch(a, b, odd)
	for _, name := range []string{"a", "b", "odd"} {
		p.fires("QuipuVersionSkew", name, true)
	}

	p.fires("QuipuClockOff", "odd", false)
	off.Store(int64(time.Hour))
	p.fires("QuipuClockOff", "odd", true)
	p.fires("QuipuAuthorAhead", "a", false)
	odd.post(t, "/v1/entries", `{"kind":"note"}`)
	p.fires("QuipuAuthorAhead", "a", true)
	p.fires("QuipuAuthorAhead", "b", true)
	p.fires("QuipuClockOff", "a", false) // most agree with it
	off.Store(0)
	p.fires("QuipuClockOff", "odd", false)

	p.fires("QuipuGaps", "a", false)
	r, err := recorder.New(inside.Log(), recorder.Config{Overflow: recorder.Drop, Buffer: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := r.Record(crdt.Event{Kind: "note"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.fires("QuipuGaps", "a", true)
}

// inside serves the node's folder in this process until the test ends.
func (n *node) inside(t *testing.T, cfg quipu.Config) *quipu.Node {
	t.Helper()
	cfg.Dir, cfg.Name, cfg.Listen, cfg.HTTP = n.Dir, n.name, "127.0.0.1:0", gateway.Config{Addr: "127.0.0.1:0"}
	inside, err := quipu.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- inside.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-over, inside.Close()); err != nil {
			t.Error(err)
		}
	})
	n.Addr, n.URL = inside.Addr().String(), strings.TrimSuffix(inside.URL(), "/")
	return inside
}
