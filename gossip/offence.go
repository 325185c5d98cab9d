package gossip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/rarely"
	"github.com/quipulog/quipu/gossip/transient"
	"github.com/quipulog/quipu/gossip/wire"
)

// Reason says in a word what was wrong with what a peer sent.
type Reason string

const (
	reasonMalformed    Reason = "malformed"           // bytes that are no message
	reasonOtherLog     Reason = "other-log"           // ops of another log
	reasonRun          Reason = "run"                 // ops that are no chain
	reasonBody         Reason = "body"                // a body that is not its header's
	reasonSignature    Reason = "signature"           // a run that does not end with a valid signature
	reasonKey          Reason = "key"                 // an author that is no usable key
	reasonGenesis      Reason = "genesis"             // a genesis that is not the log's
	reasonAuthor       Reason = "author"              // ops that break the laws, signed: the author's doing
	reasonRefused      Reason = "refused"             // runs that the log does not take, by its own policy
	reasonShut         Reason = "shut"                // runs of an author of whom no more is taken
	reasonNewAuthors   Reason = "new-authors"         // runs of more new authors than a peer may bring in a minute
	reasonNewer        Reason = "newer-version"       // ops of a format version that is not known here
	reasonStripped     Reason = "stripped"            // ops without the body that this node keeps
	reasonIdle         Reason = "not-delivered"       // an answer that did not come in time
	reasonSilent       Reason = "silent"              // a link on which nothing came in time
	reasonStuck        Reason = "stuck"               // a link that took nothing in time
	reasonHelloLog     Reason = "hello-other-log"     // a greeting from a holder of another log
	reasonHelloVersion Reason = "hello-other-version" // a greeting in another version of the protocol
	reasonBye          Reason = "hello-bye"           // a peer that turned us away
	reasonBroken       Reason = "hello-broken"        // a greeting that broke off
	reasonHops         Reason = "hops"                // a transient event of another author as if it came from there
	reasonNotWritten   Reason = "not-written"         // ops in our own name that were not here
	reasonRead         Reason = "read"                // our own log, which could not be read
)

// Reasons are all that there are.
var Reasons = []Reason{
	reasonMalformed, reasonOtherLog, reasonRun, reasonBody, reasonSignature, reasonKey, reasonGenesis, reasonAuthor, reasonRefused, reasonShut,
	reasonNewAuthors, reasonNewer, reasonStripped, reasonIdle, reasonSilent, reasonStuck, reasonHelloLog, reasonHelloVersion, reasonBye,
	reasonBroken, reasonHops, reasonNotWritten, reasonRead,
}

// An offender is kept out for quarantine the first time, and for up to quarantineMost later.
const (
	quarantine     = 10 * time.Second
	quarantineMost = 5 * time.Minute
)

// faultOf returns what is wrong with a run or an event that was refused, and whether it is the peer's offence to
// have sent it. An author that breaks the laws in its own name is not held against the peer that
// relays it: the peer may have taken it for covered by a signature, as it should.
func faultOf(err error) (reason Reason, offence bool) {
	for _, f := range []struct {
		err     error
		reason  Reason
		offence bool
	}{
		{wire.ErrMalformed, reasonMalformed, true},
		{crdt.ErrMalformed, reasonMalformed, true},
		{crdt.ErrRun, reasonRun, true},
		{crdt.ErrBody, reasonBody, true},
		{crdt.ErrSignature, reasonSignature, true},
		{crdt.ErrAuthor, reasonKey, true},
		{errGenesis, reasonGenesis, true},
		{transient.ErrNotAgreed, reasonMalformed, true},
		{transient.ErrOtherLog, reasonOtherLog, true},
		{transient.ErrHops, reasonHops, true},
		{crdt.ErrInvalid, reasonAuthor, false},
		{crdt.ErrShut, reasonShut, false},
		{errNewAuthors, reasonNewAuthors, false},
		{crdt.ErrStripped, reasonStripped, false},
	} {
		if errors.Is(err, f.err) {
			return f.reason, f.offence
		}
	}
	return reasonRefused, false
}

// blame returns what is wrong with a run as an error of whoever did it. That its ops break the laws is
// their author's doing only if it signed them: if the last op's signature verifies and the chain leads
// from there to the first. Else somebody on the way has altered them.
func blame(run crdt.Run, err error) error {
	if !errors.Is(err, crdt.ErrInvalid) {
		return err
	}
	for i := 1; i < len(run.Ops); i++ {
		if run.Ops[i].Prev != run.Ops[i-1].ID {
			return fmt.Errorf("%w: altered on the way: %w", crdt.ErrRun, err)
		}
	}
	if unsigned := run.Ops[len(run.Ops)-1].Verify(); unsigned != nil {
		return fmt.Errorf("altered on the way: %w: %w", unsigned, err)
	}
	return err
}

// faults counts what was wrong, and says what of it is worth a line in the log.
type faults struct {
	mu sync.Mutex
	// The fields below are guarded by mu.

	seen     map[Reason]uint64
	unlogged uint64
	logged   rarely.Lines[fault]
}

// fault is a kind of fault of one author, as a peer or as the author of ops.
type fault struct {
	who    crdt.Author
	reason Reason
}

// count counts a fault and reports whether it is to be logged.
func (f *faults) count(who crdt.Author, reason Reason, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = make(map[Reason]uint64)
	}
	f.seen[reason]++
	if !f.logged.Pass(fault{who, reason}, now) {
		f.unlogged++
		return false
	}
	return true
}

// repeated says in a line that is logged how many like it were not.
func (f *faults) repeated(who crdt.Author, reason Reason) slog.Attr {
	return f.logged.Repeated(fault{who, reason})
}

// counts returns how often there was each fault, and how many of all were not logged.
func (f *faults) counts() (seen map[Reason]uint64, unlogged uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.seen), f.unlogged
}

// offence counts and logs what a peer did wrong, and returns the error that ends its link.
func (g *Gossip) offence(l *link, reason Reason, err error) error {
	if g.faults.count(l.peer, reason, time.Now()) {
		g.logger.Warn("peer sent what it may not send", "peer", l.peer.Short(), "remote", l.addr, "reason", string(reason), "err", err, g.faults.repeated(l.peer, reason))
	}
	return &closing{code: wire.CodeOffence, err: err}
}

// broke counts and logs that the stream of a link ended because the peer was too slow, for the given
// reason, and returns why it ended.
func (g *Gossip) broke(ctx context.Context, l *link, reason Reason, err error) error {
	if ctx.Err() == nil && errors.Is(err, os.ErrDeadlineExceeded) && g.faults.count(l.peer, reason, time.Now()) {
		g.logger.Warn("peer is too slow", "peer", l.peer.Short(), "remote", l.addr, "reason", string(reason), "err", err, g.faults.repeated(l.peer, reason))
	}
	return err
}

// reasonOfGreeting returns why a greeting came to nothing.
func reasonOfGreeting(err error) Reason {
	if _, other := errors.AsType[*OtherLogError](err); other {
		return reasonHelloLog
	}
	if _, other := errors.AsType[*OtherVersionError](err); other {
		return reasonHelloVersion
	}
	if _, bye := errors.AsType[*ByeError](err); bye {
		return reasonBye
	}
	if reason, offence := faultOf(err); offence {
		return reason
	}
	return reasonBroken
}

// byeOf returns the code that goes with the end of a greeting.
func byeOf(err error) wire.Code {
	switch reason := reasonOfGreeting(err); reason {
	case reasonHelloLog:
		return wire.CodeOtherLog
	case reasonHelloVersion:
		return wire.CodeVersion
	case reasonMalformed, reasonGenesis:
		return wire.CodeOffence
	}
	return wire.CodeOther
}
