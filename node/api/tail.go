package api

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/quipulog/quipu/node/age"
)

// paramPoll has a tail answer once, in JSON, in the place of a stream.
const paramPoll = "poll"

// TailParameters are those of a tail.
var TailParameters = slices.Concat(QueryParameters, []Parameter{
	{Name: paramPoll, About: "Answers once, as soon as there is something, or with nothing after so long: 30s."},
})

// LastEventID is the header in which a reader of server-sent events says behind which cursor it goes on. It stands in the
// place of after and of offset.
const LastEventID = "Last-Event-ID"

// TailHeaders are the headers of a tail.
var TailHeaders = []Parameter{
	{Name: LastEventID, About: "The id of the last event that a reader of server-sent events has: it goes on behind that, whatever the URL says."},
}

// TakePoll takes the parameter out of v by which a tail answers once, and returns how long that waits at most, and whether
// it was there.
func TakePoll(v url.Values) (wait time.Duration, asked bool, err error) {
	if !v.Has(paramPoll) {
		return 0, false, nil
	}
	a, err := age.Parse(v.Get(paramPoll))
	if err != nil {
		err = fmt.Errorf("parameter %s: %w", paramPoll, err)
	}
	delete(v, paramPoll)
	return time.Duration(a), true, err
}
