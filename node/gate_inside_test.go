package node

import (
	"errors"
	"testing"

	"github.com/quipulog/quipu/node/api"
)

// TestGate: a shut gate lets nobody in, tells each who shut it when the last one has left, and opens when the
// last of them opens it.
func TestGate(t *testing.T) {
	var g gate
	first, second := enter(t, &g), enter(t, &g)
	one, other := g.shut(), g.shut()
	refused(t, &g)
	first()
	if isClosed(one) || isClosed(other) {
		t.Error("empty, while one is inside")
	}
	second()
	if !isClosed(one) || !isClosed(other) {
		t.Error("not empty, though both have left")
	}
	g.open()
	refused(t, &g)
	g.open()
	third := enter(t, &g)
	again := g.shut()
	if isClosed(again) {
		t.Error("empty, while one is inside again")
	}
	third()
	if !isClosed(again) || !isClosed(g.shut()) {
		t.Error("not empty, though nobody is inside")
	}
}

func enter(t *testing.T, g *gate) (leave func()) {
	t.Helper()
	leave, err := g.enter()
	if err != nil {
		t.Fatal(err)
	}
	return leave
}

func refused(t *testing.T, g *gate) {
	t.Helper()
	_, err := g.enter()
	if told, ok := errors.AsType[*api.Error](err); !ok || told.Code != api.Stopping {
		t.Errorf("a shut gate says %v", err)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
