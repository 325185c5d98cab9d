package eventlog_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// peers are those who can be asked in a test.
type peers struct {
	anybody bool
	missing []crdt.Author
	ownEnd  func(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error)
}

func (p *peers) Anybody() bool          { return p.anybody }
func (p *peers) Missing() []crdt.Author { return p.missing }
func (p *peers) OwnEnd(ctx context.Context, why *eventlog.RecoveringError) (eventlog.Recovery, error) {
	return p.ownEnd(ctx, why)
}

// end returns where the log's own feed ends.
func end(l *eventlog.Log) (end crdt.Head) {
	if heads := l.Feed(l.Author()).Heads(); len(heads) > 0 {
		end = heads[len(heads)-1]
	}
	return end
}

// withPeers opens a log of the author that most tests have again, with somebody to ask.
func withPeers(t *testing.T, l *eventlog.Log, p *peers) *eventlog.Log {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := config("author")
	cfg.Peers = p
	return eventlogtest.Reopen(t, filepath.Dir(l.Path()), cfg)
}
