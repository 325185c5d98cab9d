package gossip

import (
	"sync/atomic"
	"time"

	"github.com/quipulog/quipu/gossip/wire"
)

// introduction returns what a peer is told once, before all else: what this node does not forget, what its program
// is, and where it is asked over HTTP, unless no message takes that.
func (w *writer) introduction() (messages []wire.Message) {
	if w.introduced {
		return nil
	}
	w.introduced = true
	if k := w.g.cfg.Keeps; w.l.both(wire.FeatureReceipts) {
		messages = append(messages, wire.Keeps{
			Bodies: k.Bodies, Forgotten: k.Forgotten, Age: uint64(max(k.Age, 0) / time.Millisecond), Entries: k.Entries,
		})
	}
	if version := w.g.cfg.Version; version != "" && w.l.both(wire.FeatureProgram) {
		messages = append(messages, wire.Program{Version: version})
	}
	if page := w.g.cfg.Page; page != nil && w.l.both(wire.FeaturePage) {
		if url := page(); url != "" && len(url) <= wire.MaxText {
			messages = append(messages, wire.Page{URL: url})
		}
	}
	return messages
}

// said returns what a peer has said of itself; empty before it has.
func said(of *atomic.Pointer[string]) string {
	if text := of.Load(); text != nil {
		return *text
	}
	return ""
}
