package node

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/folder"
)

// nothingKept is a policy that trims whatever may be trimmed at once.
var nothingKept = eventlog.TrimPolicy{MinAge: -1, MinCount: eventlog.NoCount}

func newTrimmable(t *testing.T, cfg Config, entries int) *Node {
	t.Helper()
	cfg.Dir, cfg.Listen = filepath.Join(t.TempDir(), "node"), "127.0.0.1:0"
	if _, _, err := Init(Birth{Dir: cfg.Dir}); err != nil {
		t.Fatal(err)
	}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	appendTrimmable(t, n, entries)
	return n
}

func appendTrimmable(t *testing.T, n *Node, entries int) {
	t.Helper()
	for i := range entries {
		e := crdt.Event{Kind: "seen", Subject: fmt.Sprint(i), Retention: crdt.Trimmable}
		if _, err := n.Log().Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTrimWaitsForMembers trims a log while a member that the node remembers may lack something.
func TestTrimWaitsForMembers(t *testing.T) {
	n := newTrimmable(t, Config{Trim: nothingKept, TrimWaits: true}, 5)
	away := member(1, "10.0.0.1:1", noon).Author
	n.memory.peers[away] = folder.Peer{Author: away, EqualOffset: 3, Incarnation: n.Log().Incarnation()}
	n.memory.noteHolds()
	report, err := n.Trim(t.Context(), nil)
	if err != nil || report.Trimmed.Entries != 3 || len(report.Held) != 1 || report.Held[0].Name != "member "+away.String() || report.Held[0].Entries != 2 {
		t.Errorf("report: %+v, %v", report, err)
	}
	appendTrimmable(t, n, 4)
	patience := nothingKept
	patience.MaxHold = 5
	if report, err = n.Trim(t.Context(), &patience); err != nil || report.Trimmed.Entries != 6 || !report.Held[0].Overrun {
		t.Errorf("past the limit: %+v, %v", report, err)
	}
}

// TestKeepTrimming trims a log at the start, and not when it is not to.
func TestKeepTrimming(t *testing.T) {
	n := newTrimmable(t, Config{Trim: nothingKept}, 3)
	ended, end := context.WithCancel(t.Context())
	end()
	n.cfg.TrimEvery = -1
	n.keepTrimming(t.Context()) // returns at once
	if n.LastTrim() != nil {
		t.Error("a node that is not to has trimmed")
	}
	n.cfg.TrimEvery = time.Hour
	n.keepTrimming(ended)
	if last := n.LastTrim(); last == nil {
		t.Error("the node has not begun to trim")
	}
	if _, err := n.Trim(t.Context(), nil); err != nil || n.LastTrim().Report.Trimmed.Entries != 3 {
		t.Errorf("last trim: %+v, %v", n.LastTrim(), err)
	}
}

// TestTrimmingIsNotForTheStartAlone: system C trimmed its log once, when it started, so that the log of
// a program that kept running grew without an end.
func TestTrimmingIsNotForTheStartAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTrimmable(t, Config{Trim: nothingKept}, 3)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { n.keepTrimming(ctx) })
		for i, more := range []int{3, 5, 4} {
			if i > 0 {
				appendTrimmable(t, n, more)
				time.Sleep(n.cfg.TrimEvery)
			}
			synctest.Wait()
			if last := n.LastTrim(); last == nil || last.Err != nil || last.Report.Trimmed.Entries != uint64(more) {
				t.Errorf("after %d hours: %+v, want %d entries trimmed", i, last, more)
			}
		}
		cancel()
		wg.Wait()
	})
}
