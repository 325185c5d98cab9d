package server

import (
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// maxAhead bounds the feeds that are named for their clocks.
const maxAhead = 32

// aheadFeeds returns the feeds whose clocks are ahead.
func (s *server) aheadFeeds() []api.Ahead {
	var kept []eventlog.KeptAhead
	for _, f := range s.log.AheadFeeds() {
		kept = append(kept, eventlog.KeptAhead{AheadFeed: f})
	}
	return tellKept(kept)
}

// tellKept returns feeds whose clocks are ahead as a client is told them.
func tellKept(all []eventlog.KeptAhead) (told []api.Ahead) {
	for _, k := range all[:min(len(all), maxAhead)] {
		told = append(told, api.Ahead{Author: k.Author, Clock: k.Clock, Time: k.Clock.Time(), Entries: k.Entries, Below: k.Below})
	}
	return told
}
