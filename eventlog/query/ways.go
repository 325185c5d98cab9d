package query

import (
	"fmt"

	"github.com/quipulog/quipu/crdt/enum"
)

// Order is the order in which entries are read. Each is total. Author and causal order are the same
// on every node; arrival order is this node's own.
type Order uint8

const (
	// ByAuthor is the order of the log: by author, then seq, then op id.
	ByAuthor Order = iota
	// Causal is by clock, then author, seq and op id: true to cause and effect wherever clocks are
	// within a minute of each other.
	Causal
	// Arrival is the order in which this node came to hold the entries: by offset.
	Arrival
)

var orders = []string{"author", "causal", "arrival"}

// ParseOrder reads the text form; the empty text is the default, [ByAuthor].
func ParseOrder(s string) (Order, error) { return parseWord[Order](s, "order", orders) }

// String returns "author", "causal" or "arrival".
func (o Order) String() string { return enum.Text(o, "order", orders...) }

// Disputed says what a [Query] does with disputed entries: those on a branch of a feed whose author signed
// two ops after one.
type Disputed uint8

const (
	// ShowDisputed takes disputed entries like all others.
	ShowDisputed Disputed = iota
	// HideDisputed leaves them out.
	HideDisputed
	// OnlyDisputed leaves all others out.
	OnlyDisputed
)

var disputes = []string{"show", "hide", "only"}

// ParseDisputed reads the text form; the empty text is the default, [ShowDisputed].
func ParseDisputed(s string) (Disputed, error) { return parseWord[Disputed](s, "disputed", disputes) }

// String returns "show", "hide" or "only".
func (d Disputed) String() string { return enum.Text(d, "disputed", disputes...) }

// parseWord reads the name of a way to read the log.
func parseWord[E ~uint8](s, what string, names []string) (E, error) {
	value, err := enum.Parse[E](s, what, names...)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrQuery, err)
	}
	return value, err
}

// Takes reports whether an entry passes that is disputed or not.
func (d Disputed) Takes(disputed bool) bool {
	return d == ShowDisputed || (d == OnlyDisputed) == disputed
}

// Gone says what a reading does about entries whose bodies are gone.
type Gone uint8

const (
	// SkipGone leaves out what was gone when the reading began, or came without its body. What goes from
	// here during the reading is a TrimmedError, unless [Query].GoOn says otherwise.
	SkipGone Gone = iota
	// ShowGone yields, for each op without its body, an entry with Gone set, whatever kinds, modules,
	// subjects or times the query takes: those of the op are not known any more. What is pruned during the
	// reading is a TrimmedError; what was pruned before is left out, see Log.Gone.
	ShowGone
	// StopAtGone ends the reading with a TrimmedError.
	StopAtGone
)

var gones = []string{"skip", "show", "stop"}

// String returns "skip", "show" or "stop".
func (g Gone) String() string { return enum.Text(g, "gone", gones...) }

// ParseGone reads the text form; the empty text is the default, [SkipGone].
func ParseGone(s string) (Gone, error) { return parseWord[Gone](s, "gone", gones) }
