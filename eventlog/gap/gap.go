package gap

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/eventlog"
)

// Kind is the kind of the events that are gaps.
const Kind = "quipu.gap"

// The bounds of a gap.
const (
	// MaxReason bounds the reason, in bytes.
	MaxReason = 1 << 10
	// MaxKinds bounds the kinds that a gap lists. Events of other kinds are only counted.
	MaxKinds = 256
	// MaxNumber is the least number that no producer may give, so that all numbers survive a trip through a
	// JSON number.
	MaxNumber = 1 << 53
)

// ErrInvalid is wrapped by every error that says why a gap cannot be appended, or an entry cannot be read
// as a gap.
var ErrInvalid = errors.New("invalid gap")

// Gap names events that did not become entries. Source and Count are required.
type Gap struct {
	// Source names who lost the events: the module of the entry, 1 to 255 bytes.
	Source string
	// Reason says for people why they were lost: up to 1 KiB.
	Reason string
	// Count is how many events are missing, or at most how many where AtMost is set: 1 and more.
	Count uint64
	// First and Last are the least and the greatest of the missing events' numbers, as their producer
	// counts them from 1 on; both are 0 where they have none. Where Count is less than there are numbers
	// from First to Last, the other numbers did become entries.
	First, Last uint64
	// From and Until are the times of the earliest and the latest missing event; both zero where they
	// are not known.
	From, Until time.Time
	// Kinds counts the missing events by kind, sorted by kind, up to 256 kinds. It may add up to less than
	// Count: of other events the kind is not known or not listed.
	Kinds []KindCount
	// AtMost says that Count is a bound: so many events were at risk.
	AtMost bool
}

// KindCount is how many of a gap's events are of one kind.
type KindCount struct {
	Kind  string
	Count uint64
}

// IsZero reports whether g names no event.
func (g *Gap) IsZero() bool { return g.Count == 0 }

// String returns the gap in a line.
func (g *Gap) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s lost ", g.Source)
	if g.AtMost {
		b.WriteString("at most ")
	}
	fmt.Fprint(&b, g.Count)
	if g.First > 0 {
		fmt.Fprintf(&b, ", %d to %d", g.First, g.Last)
	}
	if g.Reason != "" {
		b.WriteString(": " + g.Reason)
	}
	return b.String()
}

// Add counts a lost event: its number, 0 for none; its kind, "" where that is not known; and its time,
// which may be zero.
func (g *Gap) Add(number uint64, kind string, at time.Time) {
	g.Count++
	if number > 0 {
		g.number(number, number)
	}
	if !at.IsZero() {
		if g.From.IsZero() || at.Before(g.From) {
			g.From = at
		}
		if at.After(g.Until) {
			g.Until = at
		}
	}
	i, found := slices.BinarySearchFunc(g.Kinds, kind, func(k KindCount, kind string) int { return strings.Compare(k.Kind, kind) })
	switch {
	case kind == "":
	case found:
		g.Kinds[i].Count++
	case len(g.Kinds) < MaxKinds:
		g.Kinds = slices.Insert(g.Kinds, i, KindCount{Kind: strings.Clone(kind), Count: 1})
	}
}

// AddRange counts lost events of which only the numbers are known, from first to last. 0 < first ≤ last.
func (g *Gap) AddRange(first, last uint64) {
	g.Count += last - first + 1
	g.number(first, last)
}

// number widens the range of numbers.
func (g *Gap) number(first, last uint64) {
	if g.First == 0 || first < g.First {
		g.First = first
	}
	g.Last = max(g.Last, last)
}

// Event returns the gap as an event. Every error wraps [ErrInvalid].
func (g *Gap) Event() (crdt.Event, error) {
	if err := g.check(); err != nil {
		return crdt.Event{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return crdt.Event{Kind: Kind, Module: g.Source, Time: g.Until, Payload: g.encode()}, nil
}

// AppendTx appends a gap in an Update of the caller's.
func AppendTx(tx *eventlog.Tx, g Gap) (crdt.Place, error) {
	e, err := g.Event()
	if err != nil {
		return crdt.Place{}, fmt.Errorf("append gap: %w", err)
	}
	return tx.AppendReserved(e)
}

// Parse reads an entry of kind [Kind]. Whatever a stranger has written there gives a gap, or an error that
// wraps [ErrInvalid]. The gap shares no memory with the entry but its Source.
func Parse(e eventlog.Entry) (Gap, error) {
	g, err := parseEvent(e.Event)
	if err != nil {
		return Gap{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return g, nil
}

func parseEvent(e crdt.Event) (Gap, error) {
	switch {
	case e.Kind != Kind:
		return Gap{}, fmt.Errorf("kind %q: expected %s", clip.Text(e.Kind), Kind)
	case e.ContentType != "" && e.ContentType != "application/json":
		return Gap{}, fmt.Errorf("content type %q: expected application/json", clip.Text(e.ContentType))
	}
	g, err := parsePayload(e.Payload)
	if err != nil {
		return Gap{}, fmt.Errorf("payload: %w", err)
	}
	g.Source = e.Module
	return g, g.check()
}

// check holds the gap against its bounds.
func (g *Gap) check() error {
	switch {
	case g.Source == "" || len(g.Source) > crdt.MaxModule || !utf8.ValidString(g.Source):
		return fmt.Errorf("source %q: expected who lost the events in 1 to %d bytes of UTF-8", clip.Text(g.Source), crdt.MaxModule)
	case len(g.Reason) > MaxReason || !utf8.ValidString(g.Reason):
		return fmt.Errorf("reason %q: expected up to %d bytes of UTF-8", clip.Text(g.Reason), MaxReason)
	case g.Count < 1 || g.Count >= MaxNumber:
		return fmt.Errorf("count %d: expected 1 or more, below 2^53", g.Count)
	case g.First == 0 && g.Last != 0, g.First > g.Last, g.Last >= MaxNumber:
		return fmt.Errorf("numbers %d to %d: expected two from 1 on below 2^53, the lesser first, or none", g.First, g.Last)
	case g.First > 0 && g.Count > g.Last-g.First+1:
		return fmt.Errorf("count %d: there are fewer numbers from %d to %d", g.Count, g.First, g.Last)
	case g.From.IsZero() != g.Until.IsZero() || g.Until.Before(g.From):
		return fmt.Errorf("times %v to %v: expected both, the earlier first, or none", g.From, g.Until)
	}
	for _, t := range []time.Time{g.From, g.Until} {
		if err := (crdt.Event{Kind: Kind, Time: t}).Check(); err != nil {
			return err
		}
	}
	return g.checkKinds()
}

func (g *Gap) checkKinds() error {
	if len(g.Kinds) > MaxKinds {
		return fmt.Errorf("%d kinds: at most %d are listed", len(g.Kinds), MaxKinds)
	}
	rest := g.Count
	for i, k := range g.Kinds {
		switch {
		case k.Kind == "" || len(k.Kind) > crdt.MaxKind || !utf8.ValidString(k.Kind):
			return fmt.Errorf("kind %q: expected 1 to %d bytes of UTF-8", clip.Text(k.Kind), crdt.MaxKind)
		case i > 0 && g.Kinds[i-1].Kind >= k.Kind:
			return fmt.Errorf("kind %q stands after %q: kinds are sorted, each once", clip.Text(k.Kind), clip.Text(g.Kinds[i-1].Kind))
		case k.Count < 1 || k.Count > rest:
			return fmt.Errorf("kind %q: count %d: expected 1 or more, together at most the gap's %d", clip.Text(k.Kind), k.Count, g.Count)
		}
		rest -= k.Count
	}
	return nil
}
