package wire

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// ErrMalformed is wrapped by every error about bytes that are no message: it is the peer's offence.
var ErrMalformed = errors.New("malformed message")

// VersionError is returned by [Parse] for a hello of another version of the protocol.
type VersionError struct {
	Version uint16
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("peer speaks version %d of the protocol, this program version %d", e.Version, Version)
}

// Parse reads the body of a message of kind k. Ops and a Transient keep the body: the caller does not write to it
// again. Its errors wrap [ErrMalformed] or a [*VersionError].
func Parse(k Kind, body []byte) (Message, error) {
	r := reader{b: body}
	m := r.message(k)
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes follow the message", len(r.b))
	}
	if r.err != nil {
		return nil, fmt.Errorf("parse %s: %w", k, r.err)
	}
	return m, nil
}

// message takes the body of a message of kind k. What it returns counts only while r.err is nil.
func (r *reader) message(k Kind) Message {
	switch k {
	case KindHello:
		return r.hello()
	case KindShut:
		return Shut{Authors: r.authors(MaxShut)}
	case KindOffer:
		return Offer{Round: r.uint32(), Root: crdt.Hash(r.bytes32())}
	case KindSame:
		return Same{Round: r.uint32()}
	case KindProbe:
		return r.probe()
	case KindNodes:
		return r.nodes()
	case KindVector:
		return r.vector()
	case KindMissing:
		return Missing{Wants: r.wants(1)}
	case KindSpans:
		return r.spans()
	case KindOps:
		return r.ops()
	case KindDone:
		return r.done()
	case KindIHave:
		return r.ihave()
	case KindGraft:
		return Graft{Wants: r.wants(0)}
	case KindDetach:
		return Detach{}
	case KindTransient:
		return r.transient()
	case KindConditions:
		return r.conditions()
	case KindTime:
		return r.time()
	case KindWho:
		return Who{Round: r.uint32()}
	case KindMembers:
		return r.members()
	case KindKeeps:
		return Keeps{Bodies: r.bool(), Forgotten: r.bool(), Age: r.uint64(), Entries: r.uint64()}
	case KindAwait:
		return Await{Head: r.head()}
	case KindProgram:
		return Program{Version: r.text(int(r.uint8()), MaxProgram)}
	case KindPage:
		return Page{URL: r.text(int(r.uint8()), MaxText)}
	case KindBye:
		return Bye{Code: Code(r.uint8()), Text: r.text(int(r.uint8()), MaxText)}
	}
	r.fail("there is no message of %s", k)
	return nil
}

func (r *reader) hello() Message {
	m := Hello{Version: r.uint16()}
	if r.err == nil && m.Version != Version {
		r.err = &VersionError{Version: m.Version}
	}
	m.Features = Features(r.uint32())
	copy(m.Instance[:], r.next(len(m.Instance)))
	copy(m.Log[:], r.next(len(m.Log)))
	if n := int(r.uint16()); n > MaxGenesis {
		r.fail("a genesis of %d bytes: expected at most %d", n, MaxGenesis)
	} else {
		m.Genesis = r.next(n)
	}
	m.Name = r.text(int(r.uint8()), MaxName)
	m.Held = r.heads(0, MaxHeads)
	return m
}

func (r *reader) probe() Message {
	m := Probe{Round: r.uint32()}
	n := r.count(uint32(r.uint16()), probeLeast, MaxProbes, "probes")
	if r.err == nil && n == 0 {
		r.fail("nothing is probed")
	}
	m.Probes = make([]crdt.Probe, n)
	var last crdt.Author
	for i := 0; i < n && r.err == nil; i++ {
		p := crdt.Probe{Path: r.path(), Heads: r.bool()}
		after, upto := p.Path.AuthorRange()
		if i > 0 && (m.Probes[i-1].Path.Compare(p.Path) >= 0 || last.Compare(after) > 0) {
			r.fail("path %s is out of order or below the one before", p.Path)
		}
		m.Probes[i], last = p, upto
	}
	return m
}

func (r *reader) nodes() Message {
	m := Nodes{Round: r.uint32(), Last: r.bool()}
	n := r.count(uint32(r.uint16()), nodeLeast, MaxNodes, "nodes")
	m.Nodes = make([]crdt.Node, n)
	for i := 0; i < n && r.err == nil; i++ {
		m.Nodes[i] = r.node()
	}
	return m
}

func (r *reader) node() crdt.Node {
	n := crdt.Node{Path: r.path(), Count: r.uint32()}
	present := r.uint16()
	for i := range n.Children {
		if present&(1<<i) == 0 {
			continue
		}
		copy(n.Children[i][:], r.next(printSize))
		if r.err == nil && n.Children[i] == (crdt.Print{}) {
			r.fail("child %d of %s is there and has no print", i, n.Path)
		}
	}
	return n
}

func (r *reader) vector() Message {
	m := Vector{Round: r.uint32(), Last: r.bool(), After: r.author(), Upto: r.author()}
	if r.err == nil && m.After.Compare(m.Upto) >= 0 {
		r.fail("no author is above %s and up to %s", m.After.Short(), m.Upto.Short())
	}
	n := r.count(uint32(r.uint16()), authorSize+2+headSize, MaxVectorAuthors, "authors")
	m.Heads = make(crdt.Frontier, n)
	last := m.After
	for i := 0; i < n && r.err == nil; i++ {
		a := r.author()
		if last.Compare(a) >= 0 || a.Compare(m.Upto) > 0 {
			r.fail("author %s is out of order", a.Short())
		}
		m.Heads[a] = r.heads(1, MaxHeads)
		last = a
	}
	return m
}

// wants takes at least least wants.
func (r *reader) wants(least int) []Want {
	n := r.count(uint32(r.uint16()), 4+authorSize+4, MaxWants, "wants")
	if r.err == nil && n < least {
		r.fail("nothing is wanted")
	}
	if n == 0 {
		return nil
	}
	wants := make([]Want, n)
	for i := range wants {
		w := &wants[i]
		w.Ask = r.ask()
		w.Author = r.author()
		w.Locator.Heads = r.heads(0, crdt.MaxLocator)
		back := r.count(uint32(r.uint16()), headSize, crdt.MaxLocator-len(w.Locator.Heads), "locator items")
		for range back {
			w.Locator.Back = append(w.Locator.Back, crdt.Key{First: r.uint64(), ID: crdt.OpID(r.bytes32())})
		}
	}
	return wants
}

func (r *reader) spans() Message {
	n := r.count(uint32(r.uint16()), spanSize, MaxWants, "spans")
	if r.err == nil && n == 0 {
		r.fail("nothing is wanted")
	}
	m := Spans{Wants: make([]SpanWant, n)}
	for i := range m.Wants {
		w := &m.Wants[i]
		w.Ask = r.ask()
		w.Span = crdt.Span{Author: r.author(), Head: r.head(), From: r.uint64(), Upto: r.uint64()}
		w.MaxBytes = r.uint32()
		if r.err == nil && (w.From >= w.Upto || w.Upto >= crdt.MaxSeq) {
			r.fail("a span from %d to %d", w.From, w.Upto)
		}
	}
	return m
}

func (r *reader) done() Message {
	m := Done{Ask: r.ask(), Author: r.author(), Complete: r.bool(), Next: r.uint64()}
	if m.Next >= crdt.MaxSeq {
		r.fail("%d is no seq", m.Next)
	}
	return m
}

func (r *reader) ihave() Message {
	n := r.count(uint32(r.uint16()), haveSize, MaxHaves, "runs")
	if r.err == nil && n == 0 {
		r.fail("nothing is held")
	}
	m := IHave{Haves: make([]Have, n)}
	for i := range m.Haves {
		m.Haves[i] = Have{Author: r.author(), Head: r.head(), Hops: r.uint16()}
		if i > 0 && m.Haves[i-1].Author.Compare(m.Haves[i].Author) >= 0 {
			r.fail("authors are not strictly ascending")
		}
	}
	return m
}

func (r *reader) ops() Message {
	m := Ops{Author: r.author(), Ask: r.uint32(), Hops: r.uint16()}
	if n := int(r.uint16()); n > maxLeave {
		r.fail("a leave of %d bytes: expected at most %d", n, maxLeave)
	} else if n > 0 {
		m.Run.Leave, m.Newer = r.leave(n, m.Author)
	}
	n := r.count(uint32(r.uint16()), 4, MaxRunOps, "ops")
	if r.err == nil && n == 0 {
		r.fail("a run without ops")
	}
	m.Run.Ops = make([]crdt.Op, 0, n)
	for i := 0; i < n && r.err == nil; i++ {
		b := r.next(r.count(r.uint32(), 1, crdt.MaxSingleOp, "bytes of an op"))
		if r.err != nil || m.Newer != nil {
			continue // What follows an op or a leave that cannot be read cannot be placed.
		}
		op, err := crdt.ParseOp(b)
		if newer, ok := errors.AsType[*crdt.VersionError](err); ok {
			m.Newer = newer
			continue
		}
		if err == nil && op.Author != m.Author {
			err = fmt.Errorf("an op of %s in a run of %s", op.Author.Short(), m.Author.Short())
		}
		if err != nil {
			r.fail("%w", err)
		}
		m.Run.Ops = append(m.Run.Ops, op)
	}
	return m
}

// transient takes an event and all that is left.
func (r *reader) transient() Message {
	m := Transient{Hops: r.uint8()}
	if m.Hops > MaxHops {
		r.fail("a transient event after %d hops: expected at most %d", m.Hops, MaxHops)
	}
	b := r.next(len(r.b))
	if r.err != nil {
		return m
	}
	var err error
	if m.Event, err = crdt.ParseBroadcast(b); err == nil {
		return m
	}
	if newer, ok := errors.AsType[*crdt.VersionError](err); ok {
		m.Newer = newer
		return m
	}
	r.fail("%w", err)
	return m
}

func (r *reader) conditions() Message {
	n := r.count(uint32(r.uint8()), 1, MaxConditions, "conditions")
	m := Conditions{List: make([]Condition, n)}
	var last Condition
	for i := range m.List {
		c := Condition(r.uint8())
		if c <= last {
			r.fail("condition %d after %d: expected strictly ascending, from 1", uint8(c), uint8(last))
		}
		m.List[i], last = c, c
	}
	return m
}

func (r *reader) time() Message {
	m := Time{Round: r.uint32()}
	millis := r.uint64()
	if millis >= MaxMillis {
		r.fail("time of %d ms since 1970: expected less than %d", millis, uint64(MaxMillis))
		return m
	}
	m.Millis = int64(millis)
	return m
}

func (r *reader) members() Message {
	m := Members{Round: r.uint32()}
	n := r.count(uint32(r.uint16()), knownLeast, MaxMembers, "members")
	if n > 0 {
		m.List = make([]Known, n)
	}
	for i := range m.List {
		k := &m.List[i]
		k.Author, k.Ago = r.author(), r.uint32()
		k.Name = r.text(int(r.uint8()), MaxName)
		switch {
		case r.err != nil:
			return m
		case k.Author.IsZero():
			r.fail("a member that is nobody's: its author is zero")
		case k.Ago > MaxAgo:
			r.fail("a member heard of %d seconds ago: expected at most %d", k.Ago, MaxAgo)
		case i > 0 && m.List[i-1].Author.Compare(k.Author) >= 0:
			r.fail("members are not strictly ascending")
		}
	}
	return m
}

// leave takes an author's leave of n bytes. Nobody can say whose one is of a format version that is not known
// here.
func (r *reader) leave(n int, author crdt.Author) (leave crdt.Signed, newer *crdt.VersionError) {
	leave, err := crdt.ParseSigned(r.next(n))
	if newer, ok := errors.AsType[*crdt.VersionError](err); ok {
		return crdt.Signed{}, newer
	}
	if err == nil && leave.Author != author {
		err = fmt.Errorf("a leave of %s before a run of %s", leave.Author.Short(), author.Short())
	}
	if err != nil {
		r.fail("%w", err)
	}
	return leave, nil
}
