package query

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/follower"
	"github.com/quipulog/quipu/eventlog/internal/choice"
)

// ErrQuery is wrapped by every error that says why a [Query] makes no sense.
var ErrQuery = errors.New("invalid query")

// Now is a FromOffset that stands for the offset of the next entry that arrives: a Log.Tail from Now
// yields new entries only.
const Now = follower.Now

// Query says which entries to read, and in which order. An empty filter takes everything: the zero Query
// reads the whole log in author order.
type Query struct {
	// Authors, Kinds, Modules and Subjects each take the entries that have one of the values. A kind that ends in
	// [AnyKind] takes all kinds that begin with the text before the star; the index does not help with these.
	Authors                  []crdt.Author
	Kinds, Modules, Subjects []string
	// From is the place in author order at which the reading begins: entries before it are not taken. On a
	// disputed feed its branch tells entries of one seq apart. It goes with [ByAuthor] alone.
	From *crdt.Place
	// FromClock is the clock at which the reading begins: entries whose op has a lower one are not taken. It goes with
	// [Causal] alone.
	FromClock crdt.Clock
	// FromOffset is the offset at which the reading begins. It goes with [Arrival] alone.
	FromOffset uint64
	// After is a cursor of this node's behind which the reading begins, in the place of FromOffset: see
	// Log.CursorAfter. It goes with [Arrival] and a Log.Tail. A cursor of another node is refused with
	// a CursorError.
	After Cursor
	// Disputed says whether the entries on the branches of disputed feeds are taken.
	Disputed Disputed
	// Gone says what is done about entries whose bodies were trimmed, or that were pruned.
	Gone Gone
	// GoOn makes a reading that a trim or a prune overtakes go on behind what went, as if that had been gone before:
	// only StopAtGone ends it with a TrimmedError. Log.Gone says afterwards how much was left out.
	GoOn bool
	// Since and Until take the entries whose event time is at or after Since and before Until. The zero
	// time leaves that side open.
	Since, Until time.Time

	// Order is the order in which the entries come, [ByAuthor] unless set.
	Order Order
	// Reverse yields the same entries last to first.
	Reverse bool
	// Limit is the greatest number of entries to yield; 0 is no limit.
	Limit int
	// Page is the token that Log.Page returned with the page before. The rest of the query, but for
	// Limit, is that of the page before.
	Page string
}

// AnyKind ends a kind in a [Query] that stands for all kinds that begin with the text before its star.
const AnyKind = choice.AnyKind

// Check says why the query makes no sense, or nil.
func (q *Query) Check() error {
	switch {
	case q.Order > Arrival:
		return fmt.Errorf("%w: %s: expected author, causal or arrival", ErrQuery, q.Order)
	case q.Disputed > OnlyDisputed:
		return fmt.Errorf("%w: disputed %s: expected show, hide or only", ErrQuery, q.Disputed)
	case q.Gone > StopAtGone:
		return fmt.Errorf("%w: %s: expected skip, show or stop", ErrQuery, q.Gone)
	case q.Limit < 0:
		return fmt.Errorf("%w: limit %d: expected 0 or more", ErrQuery, q.Limit)
	case q.From != nil && q.Order != ByAuthor:
		return fmt.Errorf("%w: from %s: a place to begin at goes with author order, not %s", ErrQuery, q.From, q.Order)
	case q.FromClock != 0 && q.Order != Causal:
		return fmt.Errorf("%w: from clock %s: a clock goes with causal order, not %s", ErrQuery, q.FromClock, q.Order)
	case q.FromOffset != 0 && q.Order != Arrival:
		return fmt.Errorf("%w: from offset %d: an offset goes with arrival order, not %s", ErrQuery, q.FromOffset, q.Order)
	case !q.After.IsZero() && q.Order != Arrival:
		return fmt.Errorf("%w: after cursor %s: a cursor goes with arrival order, not %s", ErrQuery, q.After, q.Order)
	case !q.After.IsZero() && q.FromOffset != 0:
		return fmt.Errorf("%w: after cursor %s and from offset %d: expected one of them", ErrQuery, q.After, q.FromOffset)
	case !q.Since.IsZero() && !q.Until.IsZero() && q.Until.Before(q.Since):
		return fmt.Errorf("%w: until %s is before since %s", ErrQuery, q.Until.Format(time.RFC3339Nano), q.Since.Format(time.RFC3339Nano))
	}
	return nil
}

// Hash returns what ties a page token to the query: all of it but the limit and the token itself.
func (q *Query) Hash() [16]byte {
	h := sha256.New()
	h.Write([]byte("quipu/query/v1\x00"))
	authors := make([]string, len(q.Authors))
	for i, a := range q.Authors {
		authors[i] = string(a[:])
	}
	choice.WriteTexts(h, authors, q.Kinds, q.Modules, q.Subjects)
	from := ""
	if q.From != nil {
		from = q.From.String()
	}
	times := []byte{0, 0}
	for i, t := range []time.Time{q.Since, q.Until} {
		if !t.IsZero() {
			times[i] = 1
			times = binary.BigEndian.AppendUint64(times, uint64(t.Unix()))
			times = binary.BigEndian.AppendUint32(times, uint32(t.Nanosecond()))
		}
	}
	fmt.Fprintf(h, "%d %t %d %q %x %d %d %t", q.Order, q.Reverse, q.FromOffset, from, times, q.Disputed, q.Gone, q.GoOn)
	if q.FromClock > 0 {
		fmt.Fprintf(h, " %d", q.FromClock)
	}
	return [16]byte(h.Sum(nil))
}

// Filter returns what the query takes, made ready to be asked of each entry.
func (q *Query) Filter() choice.Filter {
	return choice.Filter{
		Authors: choice.Authors(q.Authors),
		Kinds:   choice.NewKinds(q.Kinds), Modules: choice.NewTexts(q.Modules), Subjects: choice.NewTexts(q.Subjects),
		Since: q.Since, Until: q.Until, From: q.From, FromClock: q.FromClock, FromOffset: q.FromOffset,
	}
}
