package api

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/age"
)

// DefaultWait is how long an append that waits does so, unless it says otherwise.
const DefaultWait = 30 * time.Second

// Wait says what an append waits for beside the disk of its own node: that other nodes hold the entries durably.
// The zero Wait waits for nobody; at most one of the first three fields is set.
type Wait struct {
	// Nodes is how many others have to hold them, All that all members have to, Members which.
	Nodes   int
	All     bool
	Members []crdt.Author
	// Timeout is how long is waited at most, from when the last entry is durable, or with Each from when each
	// is. Default: DefaultWait.
	Timeout time.Duration
	// Each yields the place of each entry when the others hold it. Else a place is yielded as soon as its
	// entry is durable, and the others are waited for at the end.
	Each bool
	// Recovered has the append wait until the node knows the end of its own feed again, where it may not, in the place
	// of being refused with [Recovering]; no timeout ends that. It goes with the others or alone.
	Recovered bool
}

// IsZero reports whether nobody is waited for.
func (w Wait) IsZero() bool { return w.Nodes == 0 && !w.All && len(w.Members) == 0 }

// The parameters of a [Wait], as the URL names them. paramWait is a number, "all", or an author, which may stand
// there again.
const (
	paramWait          = "wait"
	paramWaitTimeout   = "wait-timeout"
	paramAckReplicated = "ack-replicated"
	paramWaitRecovered = "wait-recovered"
	waitAll            = "all"
)

// WaitParameters are those of a [Wait].
var WaitParameters = []Parameter{
	{Name: paramWait, Many: true, About: "Who else is to hold the entries: so many nodes, all members, or authors of 64 hex digits, each of which stands there."},
	{Name: paramWaitTimeout, Default: "30s", About: "How long is waited for others at most."},
	{Name: paramAckReplicated, Type: "boolean", About: "Keeps back each place until others hold its entry."},
	{Name: paramWaitRecovered, Type: "boolean", About: "Waits while the node may not know the end of its own feed, in the place of being refused."},
}

// Query returns the parameters, with the question mark before them; "" for the zero Wait.
func (w Wait) Query() string {
	v := url.Values{}
	switch {
	case w.All:
		v.Set(paramWait, waitAll)
	case w.Nodes > 0:
		v.Set(paramWait, strconv.Itoa(w.Nodes))
	}
	for _, a := range w.Members {
		v.Add(paramWait, a.String())
	}
	if w.Timeout > 0 && !w.IsZero() {
		v.Set(paramWaitTimeout, age.Age(w.Timeout).String())
	}
	if w.Each && !w.IsZero() {
		v.Set(paramAckReplicated, "true")
	}
	if w.Recovered {
		v.Set(paramWaitRecovered, "true")
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// ParseWait reads the parameters of a [Wait]. What stands there twice where one value is wanted is an error.
func ParseWait(v url.Values) (w Wait, err error) {
	for _, name := range []string{paramWait, paramWaitTimeout, paramAckReplicated, paramWaitRecovered} {
		for i, value := range v[name] {
			if i > 0 && (name != paramWait || len(w.Members) != i) {
				return w, fmt.Errorf("parameter %s: %q: one value is enough", name, value)
			}
			if err := w.set(name, value, i); err != nil {
				return w, fmt.Errorf("parameter %s: %w", name, err)
			}
		}
	}
	if w.IsZero() && (w.Timeout > 0 || w.Each) {
		return w, fmt.Errorf("parameter %s is missing: it says who is waited for", paramWait)
	}
	if !w.IsZero() && w.Timeout == 0 {
		w.Timeout = DefaultWait
	}
	return w, nil
}

// set takes the i-th value of a parameter.
func (w *Wait) set(name, value string, i int) (err error) {
	switch name {
	case paramWaitTimeout:
		w.Timeout, err = parseTimeout(value)
		return err
	case paramAckReplicated:
		w.Each, err = strconv.ParseBool(value)
		return err
	case paramWaitRecovered:
		w.Recovered, err = strconv.ParseBool(value)
		return err
	}
	a, notAuthor := crdt.ParseAuthor(value)
	switch n, notNumber := strconv.Atoi(value); {
	case notAuthor == nil && slices.Contains(w.Members, a):
		return fmt.Errorf("%s stands there twice", a.Short())
	case notAuthor == nil:
		w.Members = append(w.Members, a)
	case i == 0 && value == waitAll:
		w.All = true
	case i == 0 && notNumber == nil && n > 0:
		w.Nodes = n
	default:
		return fmt.Errorf("%.80q: expected a number of nodes, 1 or more, all, or authors of 64 hex digits", value)
	}
	return nil
}

// parseTimeout reads how long is waited.
func parseTimeout(text string) (time.Duration, error) {
	a, err := age.Parse(text)
	if err == nil && a == 0 {
		err = errors.New("0: expected more, such as 30s")
	}
	return time.Duration(a), err
}
