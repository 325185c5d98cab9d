package rebuild

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/retention"
)

// The records stand in the log's own file, in the bucket "quipu.rebuild", under the names of the rebuilds, as JSON.
// That of a rebuild under way counts as long as there is a follower with its [Prefix]: who removes the follower has
// removed the state, too.
const bucketRecords = "quipu.rebuild"

// form is the version of a record.
const form = 1

// record is what is kept of a rebuild: beside the state under way, and after that as the marker that it has
// finished. It is the checkpoint of an [Elsewhere], too.
type record struct {
	Form    uint64 `json:"form"`
	Version uint64 `json:"version"` // of the state
	// Rebuild names it, however often it is killed; Run names the one that goes on with it.
	Rebuild string `json:"rebuild"`
	Run     string `json:"run"`

	Order eventlog.Order `json:"order"`
	From  crdt.Frontier  `json:"from,omitempty"`
	To    crdt.Frontier  `json:"to"`
	Clock crdt.Clock     `json:"clock"`

	// At is the last entry that was done with; nil before the first. Stored says that there is a state.
	At     *position `json:"at,omitempty"`
	Stored bool      `json:"stored,omitempty"`
	Done   uint64    `json:"done"`           // entries of the range
	Gone   uint64    `json:"gone,omitempty"` // of those done, the ones that were gone
	Out    uint64    `json:"out,omitempty"`  // of those done, the ones with a greater clock than the range's
	Total  uint64    `json:"total"`
	// Upto is an offset below which all of the range has arrived; 0 where that is not known, before all of it is here.
	Upto     uint64    `json:"upto,omitempty"`
	Unusable bool      `json:"unusable,omitempty"`
	Began    time.Time `json:"began"`
	Saved    time.Time `json:"saved"`
	Finished time.Time `json:"finished,omitzero"`
}

// position is where an entry stands in author and in causal order.
type position struct {
	Author crdt.Author `json:"author"`
	Seq    uint64      `json:"seq"`
	Op     crdt.OpID   `json:"op"`
	Clock  crdt.Clock  `json:"clock"`
}

func newRecord(cfg Config, to crdt.Frontier, now time.Time) record {
	r := record{Form: form, Version: cfg.Version, Rebuild: rand.Text(), Order: cfg.Order, From: cfg.From, To: to, Clock: cfg.Clock, Unusable: cfg.Unusable, Began: now, Saved: now}
	if r.To == nil {
		r.To = crdt.Frontier{}
	}
	return r
}

func (r *record) span() Range { return Range{Order: r.Order, From: r.From, To: r.To, Clock: r.Clock} }

// hold is what the rebuild called name keeps from trims as of now: what of its range has arrived, however much that is
// and however much arrives beside it, as long as somebody goes on with it. Once it has finished it keeps nothing.
func (r *record) hold(name string, now time.Time) eventlog.Hold {
	h := eventlog.Hold{Name: Prefix + name, Until: now.Add(holdFor), Upto: cmp.Or(r.Upto, retention.NoEnd)}
	if !r.Finished.IsZero() {
		h.Upto = 0
	}
	return h
}

// encode returns the bytes that [decode] reads.
func (r *record) encode() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("rebuild: a record cannot be written: %v", err)) // all of it has a form
	}
	return b
}

// decode reads a record of the rebuild called name. Of another form it reads nothing else: that is a [*VersionError].
func decode(name string, b []byte) (record, error) {
	var r record
	var what struct{ Form uint64 }
	err := json.Unmarshal(b, &what)
	if err == nil && what.Form != form {
		return r, &VersionError{Name: name, Saved: what.Form, Known: form, Form: true}
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, fmt.Errorf("rebuild %q: read its checkpoint: %w: begin anew", name, err)
	}
	return r, nil
}

// read returns the record of the rebuild called name, and whether there is one.
func read(tx *eventlog.ReadTx, name string) (r record, found bool, err error) {
	b := tx.Bucket(bucketRecords).Get([]byte(name))
	if b == nil {
		return r, false, nil
	}
	if r, err = decode(name, b); err != nil {
		return r, false, err
	}
	if _, held := tx.Cursor(Prefix + name); !held && r.Finished.IsZero() {
		return record{}, false, nil
	}
	return r, true, nil
}

// put keeps the record of the rebuild called name.
func (r *record) put(tx *eventlog.Tx, name string) error {
	return tx.Bucket(bucketRecords).Put([]byte(name), r.encode())
}

// compare says where e stands to p in an order.
func (p *position) compare(order eventlog.Order, e *eventlog.Entry) int {
	at := crdt.Entry{Author: p.Author, Seq: p.Seq, Op: p.Op, Clock: p.Clock}
	if order == eventlog.Causal {
		return crdt.CompareCausal(e.Entry, at)
	}
	return crdt.CompareEntries(e.Entry, at)
}

// rest takes off e what was done with of it by p, and reports whether something is left. Of entries that are gone, and
// stand in one value, some may have been done with while they were there; on branches side by side their seqs take turns.
func (p *position) rest(order eventlog.Order, e *eventlog.Entry) bool {
	if p == nil {
		return true
	}
	beside := e.Author == p.Author && (order == eventlog.ByAuthor || e.Clock == p.Clock)
	if e.Gone == 0 || !beside || e.Seq > p.Seq || e.Seq+e.Gone <= p.Seq {
		return p.compare(order, e) > 0
	}
	done := p.Seq - e.Seq
	if bytes.Compare(e.Op[:], p.Op[:]) <= 0 {
		done++
	}
	e.Seq, e.Gone, e.Offset = e.Seq+done, e.Gone-done, e.Offset+done
	return e.Gone > 0
}

// moveTo moves p to the last entry of e.
func (p *position) moveTo(e *eventlog.Entry) {
	*p = position{Author: e.Author, Seq: e.Seq + cmp.Or(e.Gone, 1) - 1, Op: e.Op, Clock: e.Clock}
}
