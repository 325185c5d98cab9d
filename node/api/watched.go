package api

import (
	"fmt"
	"time"
)

const (
	// KeepAlive is how often a node says that it lives while a client.Client's call has nothing else to say: with "102
	// Processing" before the head of its answer, with an empty line in a stream of lines.
	KeepAlive = 3 * time.Second

	// Silence is how long a client.Client waits for a word before it gives a call up: five that a living node
	// would have said.
	Silence = 5 * KeepAlive

	// CallFor is how long a client.Client waits for one that lives to answer what it has at hand, such as its
	// status. What may take longer, such as a walk over the log, may take as long as it does.
	CallFor = time.Minute
)

// ErrSilent is wrapped, beside [ErrLeft], by the error of a call whose node has said nothing for
// [Silence], not even that it lives.
var ErrSilent = fmt.Errorf("the node does not answer: nothing has come from it for %s, so it is stopped or hangs", Silence)
