package server

import (
	"context"
	"errors"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
)

// unsure is a daemon that asks where its own feed ends, for as long as it runs.
type unsure struct{ Daemon }

func (unsure) Recovery() *api.Recovery {
	return &api.Recovery{Why: eventlog.WhyKey.String(), Asking: true}
}

// Who waits for a node that recovers is told, where that stops first, that it does, and not of a context.
func TestWhoWaitsForARecoveringNodeHearsThatItStops(t *testing.T) {
	genesis := crdt.Genesis{Random: [32]byte{1}}
	log, err := eventlog.Create(t.TempDir(), eventlog.Birth{Genesis: &genesis, Log: genesis.Log(), UsedKey: true},
		eventlog.Config{Key: eventlogtest.Key("used")})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := &server{log: log, daemon: unsure{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = s.settled(ctx, true)
	if told, ok := errors.AsType[*api.Error](err); !ok || told.Code != api.Stopping {
		t.Errorf("with patience: %v", err)
	}
	err = s.settled(ctx, false)
	if told, ok := errors.AsType[*api.Error](err); !ok || told.Code != api.Recovering {
		t.Errorf("without: %v", err)
	}
}
