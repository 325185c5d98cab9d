package api

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/age"
)

// CordsQuery says of whom and of what time entries are counted, and how finely. The zero query is all of the log.
type CordsQuery struct {
	// From ≤ time < To is what is counted, in milliseconds since 1970. Nil is from the first entry after 1970-01-01 on, and up
	// to the last that is a day ahead of the node's clock at most.
	From, To *int64
	// Width is how many columns have an entry at most; 0 is 1024. Limit is how many cords there are at most; 0 is 200.
	Width, Limit int
	// Authors are those whose cords are wanted alone, Kinds those that are counted alone.
	Authors []crdt.Author
	Kinds   []string
}

// The parameters of a [CordsQuery] that no other query has.
const (
	paramTo    = "to"
	paramWidth = "width"
)

// CordsParameters are those of a [CordsQuery].
var CordsParameters = []Parameter{
	{Name: paramFrom, About: "Counts from this time on: milliseconds since 1970, RFC 3339, a date, or an age such as 90m. Without it from the first entry after 1970-01-01 on."},
	{Name: paramTo, About: "Counts up to before this time. Without it up to the last entry that is a day ahead of the node's clock at most."},
	{Name: paramWidth, Type: "integer", Default: 1024, About: "In how many columns there may be an entry, 2 to 4096: the fewer, the longer is a column. Silent times take none."},
	{Name: paramLimit, Type: "integer", Default: 200, About: "So many cords at most, up to 200."},
	{Name: paramAuthor, Many: true, About: "The cords of these authors alone: 64 hex digits each."},
	{Name: paramKind, Many: true, About: "Entries of these kinds alone."},
}

// Values returns the query as parameters of a URL.
func (q CordsQuery) Values() url.Values {
	v := url.Values{}
	for name, at := range map[string]*int64{paramFrom: q.From, paramTo: q.To} {
		if at != nil {
			v.Set(name, strconv.FormatInt(*at, 10))
		}
	}
	for name, n := range map[string]int{paramWidth: q.Width, paramLimit: q.Limit} {
		if n != 0 {
			v.Set(name, strconv.Itoa(n))
		}
	}
	for _, a := range q.Authors {
		v.Add(paramAuthor, a.String())
	}
	if len(q.Kinds) > 0 {
		v[paramKind] = q.Kinds
	}
	return v
}

// ParseCordsQuery reads the parameters of a [CordsQuery], which [CheckParameters] has let pass.
func ParseCordsQuery(v url.Values) (q CordsQuery, err error) {
	q.Kinds = v[paramKind]
	for _, text := range v[paramAuthor] {
		a, err := crdt.ParseAuthor(text)
		if err != nil {
			return q, fmt.Errorf("parameter %s: %w", paramAuthor, err)
		}
		q.Authors = append(q.Authors, a)
	}
	for name, into := range map[string]**int64{paramFrom: &q.From, paramTo: &q.To} {
		if v.Has(name) {
			milli, err := parseMilli(v.Get(name))
			if err != nil {
				return q, fmt.Errorf("parameter %s: %w", name, err)
			}
			*into = &milli
		}
	}
	for name, into := range map[string]*int{paramWidth: &q.Width, paramLimit: &q.Limit} {
		if v.Has(name) {
			if *into, err = strconv.Atoi(v.Get(name)); err != nil || *into < 1 {
				return q, fmt.Errorf("parameter %s: %.80q: expected a number above 0", name, v.Get(name))
			}
		}
	}
	return q, nil
}

// parseMilli reads milliseconds since 1970, or a time as others are written.
func parseMilli(text string) (int64, error) {
	if milli, err := strconv.ParseInt(text, 10, 64); err == nil {
		return milli, nil
	}
	t, err := age.ParseTime(text, time.Now())
	return t.UnixMilli(), err
}

// Cords are counts of a node's entries by author, kind and time. All times are milliseconds since 1970.
type Cords struct {
	From int64 `json:"from"` // from ≤ time < to is what was counted, widened to whole columns
	To   int64 `json:"to"`   // from ≤ time < to is what was counted, widened to whole columns
	// Bucket is how long a column is, a power of two; columns begin at its multiples.
	Bucket int64 `json:"bucket"`
	// First and Last are the least and the greatest time of any entry of the log; absent while it has none.
	First *int64 `json:"first,omitempty"`
	Last  *int64 `json:"last,omitempty"`
	// Now is the node's clock.
	Now int64 `json:"now"`
	// Node is the author that the node writes as.
	Node crdt.Author `json:"node"`
	// Cursor is where a tail tells on what is not counted here, nothing twice and nothing left out.
	Cursor string `json:"cursor"`
	// Behind is how many entries have arrived and are not counted: they cannot be read, or are too many for one call while the
	// node has only begun to count.
	Behind uint64 `json:"behind,omitempty"`
	// Kinds are those that cells tell apart: the twelve of which the log has most, first those with most, or those asked for.
	Kinds []string `json:"kinds"`
	// Cords are those with most entries in the window first, and then those with most at all.
	Cords []Cord `json:"cords"`
	// All is the log as a whole, whose seqs are offsets of arrival.
	All []Cell `json:"all"`
	// Others are those whose cords are not among these.
	Others CordOthers `json:"others"`
}

// Cord is what is counted of one author.
type Cord struct {
	Author crdt.Author `json:"author"`
	// Name is what the author's node calls itself; it may be anything. Empty where it is not known.
	Name string `json:"name,omitempty"`
	// Entries are those in the cells, Before and After those outside of the window.
	Entries uint64 `json:"entries"`
	Before  uint64 `json:"before"`
	After   uint64 `json:"after"`
	// First and Last are the least and the greatest time of any entry of the author; absent where he has none.
	First *int64 `json:"first,omitempty"`
	Last  *int64 `json:"last,omitempty"`
	// Next is the seq behind the last entry, Floor that of the first that is not pruned.
	Next  uint64 `json:"next"`
	Floor uint64 `json:"floor,omitempty"`
	// Trimmed is how many entries are held without their bodies.
	Trimmed uint64 `json:"trimmed,omitempty"`
	// Disputed is the seq from which on the author contradicts himself; absent where he does not.
	Disputed *uint64 `json:"disputed,omitempty"`
	// Held is, for each other member, and each node that is linked, the seq behind the last entry of the author that it is proven
	// to hold durably; absent where there is none.
	Held []uint64 `json:"held,omitempty"`
	// Untold is, where kinds were asked for, how many entries in the window are of kinds that are not told apart: some may be
	// of these.
	Untold uint64 `json:"untold,omitempty"`
	// Cells are in order of time and do not overlap.
	Cells []Cell `json:"cells"`
}

// Cell counts the entries of an interval, as numbers: where it begins, how long it is, how many entries have their time in
// it, the least and the greatest of their seqs, and then, for each kind that is told apart, its index and how many have it.
type Cell []int64

// CordOthers are authors that are not shown.
type CordOthers struct {
	Authors int    `json:"authors"` // how many they are
	Entries uint64 `json:"entries"` // what is counted of theirs, at any time
}
