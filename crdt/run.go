package crdt

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"
)

// ErrRun is wrapped by errors about runs whose ops do not form a chain.
var ErrRun = errors.New("not a chain of one feed")

// ErrStripped is wrapped by the error of an [Outcome] when an op of the run has no body, and where the
// run was offered it would still have one. It is nobody's offence: another node may have the body.
var ErrStripped = errors.New("op without its body")

// OpMemory is what an op takes in memory beside its bytes, in bytes.
const OpMemory = int(unsafe.Sizeof(Op{}))

// Run is a chain of consecutive ops of one feed, each naming the one before it, as nodes send them
// to each other.
type Run struct {
	// Leave is a header of the author's, by its own signature, that says what may be missing from the
	// run: ops below its floor, before the first, and bodies of trimmable ops far enough below its end.
	// Its bytes are empty where nothing is missing.
	Leave Signed
	Ops   []Op
}

// Author returns whose feed the run belongs to; the zero Author for an empty run.
func (r Run) Author() Author {
	if len(r.Ops) == 0 {
		return Author{}
	}
	return r.Ops[0].Author
}

// Size returns the bytes of the run's ops.
func (r Run) Size() int {
	size := len(r.Leave.raw)
	for _, op := range r.Ops {
		size += op.Size()
	}
	return size
}

// Memory returns about how many bytes the run takes in memory of its own, which for small ops is more
// than twice [Run.Size].
func (r Run) Memory() int { return r.Size() + cap(r.Ops)*OpMemory }

// Clone returns the run in memory of its own, and no more of it than the run needs. A run that was read
// or received shares memory with others, or with room for more.
func (r Run) Clone() Run {
	all := make([]byte, 0, r.Size())
	own := func(b []byte) []byte {
		all = append(all, b...)
		return all[len(all)-len(b) : len(all) : len(all)]
	}
	c := Run{Leave: r.Leave, Ops: make([]Op, len(r.Ops))}
	if len(r.Leave.raw) > 0 {
		c.Leave.raw = own(r.Leave.raw)
	}
	for i, op := range r.Ops {
		op.all = own(op.all)
		op.raw = op.all[:len(op.raw):len(op.raw)]
		c.Ops[i] = op
	}
	return c
}

// Verify checks that the run is a chain of ops of log whose bodies match their headers, and returns
// how many of its ops are authorised: all up to the last anchor, which is looked for from the end
// with at most [MaxAnchorSearch] signature checks. Between the beginning and the anchor, hashes are
// enough: the anchor names them.
//
//	op ─ op ─ op ─ op ─ op      signature checked only at A; the last op's signature is bad,
//	 └────authorised───┘ A      so it is left out
//
// When fewer than all are authorised, the error says what is wrong with the rest; the authorised
// part stands all the same.
func (r Run) Verify(log LogID) (authorised int, err error) {
	if len(r.Ops) == 0 {
		return 0, fmt.Errorf("%w: no ops", ErrRun)
	}
	if err := r.checkLeave(log); err != nil {
		return 0, err
	}
	whole, err := r.checkChain(log)
	if whole == 0 {
		return 0, err
	}
	if valid := r.Ops[0].Author.Valid(); valid != nil {
		return 0, valid
	}
	n, unsigned := r.lastAnchor(whole)
	if unsigned != nil && err == nil {
		err = unsigned
	}
	return n, err
}

// checkLeave checks that the leave, if there is one, is of the same feed. [Feed.TakeLeave] checks its
// signature.
func (r Run) checkLeave(log LogID) error {
	if len(r.Leave.raw) > 0 && (r.Leave.Log != log || r.Leave.Author != r.Author()) {
		return fmt.Errorf("%w: leave %s/%d of log %s before a run of %s", ErrRun,
			r.Leave.Author.Short(), r.Leave.First, r.Leave.Log, r.Author().Short())
	}
	return nil
}

// checkChain returns how many ops from the beginning form a chain with matching bodies, and what is
// wrong with the next.
func (r Run) checkChain(log LogID) (int, error) {
	for i, op := range r.Ops {
		if op.Log != log {
			return i, fmt.Errorf("%w: op %s/%d is of log %s, not %s", ErrInvalid, op.Author.Short(), op.First, op.Log, log)
		}
		if i > 0 {
			before := r.Ops[i-1]
			if op.Author != before.Author || op.Prev != before.ID {
				return i, fmt.Errorf("%w: op %s/%d does not name the op before it", ErrRun, op.Author.Short(), op.First)
			}
			if err := checkNext(before.Next(), before.Clock, before.Floor, op.Signed); err != nil {
				return i, err
			}
		}
		if err := op.CheckBody(); err != nil {
			return i, err
		}
	}
	return len(r.Ops), nil
}

// Unstripped returns how many of the first n ops, which [Run.Verify] has found authorised, can be taken:
// each has its body, or may is true for it. next is the seq that the feed is known to reach where the
// run is taken; the run and its leave may show that it goes on. Where that is not all of them, the
// error, which wraps [ErrStripped], is about the next op, and the ops before it end with an anchor.
func (r Run) Unstripped(n int, next uint64, may func(op Header, next uint64) bool) (int, error) {
	if !slices.ContainsFunc(r.Ops[:n], Op.Trimmed) {
		return n, nil
	}
	next = max(next, r.Ops[n-1].Next())
	if len(r.Leave.raw) > 0 && r.Leave.Author == r.Ops[0].Author && r.Leave.verify() == nil {
		next = max(next, r.Leave.Next())
	}
	for i, op := range r.Ops[:n] {
		if op.Trimmed() && !may(op.Header, next) {
			taken, _ := r.lastAnchor(i)
			return taken, fmt.Errorf("op %s/%d of a feed that reaches %d: %w", op.Author.Short(), op.First, next, ErrStripped)
		}
	}
	return n, nil
}

// lastAnchor returns how many of the first n ops are authorised, and the error of the last op that
// is not.
func (r Run) lastAnchor(n int) (int, error) {
	var last error
	for tries := 0; n > 0 && tries < MaxAnchorSearch; tries++ {
		err := r.Ops[n-1].verify()
		if err == nil {
			return n, last
		}
		if last == nil {
			last = err
		}
		n--
	}
	return 0, last
}

// Outcome says what became of a run that was offered to a log.
type Outcome struct {
	Author Author
	// Decision is that on the last op looked at: pending when the run cannot be placed yet.
	Decision Decision
	// Ops and Entries count what is new; Duplicates counts ops that were held, and Repaired those of them that could not
	// be read, and can again.
	Ops, Entries, Duplicates, Repaired int
	// Forked says that the run began a branch.
	Forked bool
	// Err says why the rest of the run was rejected: it is the sender's or the author's offence,
	// never this node's fault.
	Err error
}
