package main

import (
	"errors"

	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/api"
)

// outage is a time in which a command that waits has no daemon that answers. It is told of once.
type outage struct {
	warn func(string)
	told bool
}

// tell says what is waited for, unless it was said.
func (o *outage) tell(text string) {
	if !o.told {
		o.told = true
		o.warn(text)
	}
}

// met says what keeps the daemon, which passes. That one has left says who looks for the next.
func (o *outage) met(err error) {
	if !hasLeft(err) || errors.Is(err, api.ErrSilent) {
		o.tell(err.Error() + "; waiting for it")
	}
}

// over says that a daemon has answered.
func (o *outage) over() { o.told = false }

// passes reports whether what a command that waits has met is over by itself, or may be: this node's
// daemon has left, does not answer, or takes nothing until it has looked at its disk, or another command
// has the log open.
func passes(err error) bool {
	if refusal, ok := errors.AsType[*api.Error](err); ok && refusal.Code == api.ReadOnly {
		return true
	}
	_, inUse := errors.AsType[*node.InUseError](err)
	return inUse || hasLeft(err)
}

// hasLeft reports whether the daemon has stopped, or does not answer.
func hasLeft(err error) bool {
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		return refusal.Code == api.Stopping
	}
	return errors.Is(err, api.ErrLeft)
}
