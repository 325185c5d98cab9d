package api

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/age"
)

// Query says which entries to read, and in which order. An empty filter means everything: the zero
// Query reads the whole log in author order.
type Query struct {
	// Order is "author", "causal" (by clock: true to cause and effect where clocks are within a minute) or
	// "arrival"; empty means author.
	Order string
	// Authors, Kinds, Modules and Subjects each take the entries that have one of the values.
	Authors                  []crdt.Author
	Kinds, Modules, Subjects []string
	// From takes the entries that do not stand before it in author order.
	From *crdt.Place
	// Disputed is "show", "hide" or "only"; empty means show.
	Disputed string
	// Gone says what is done about entries whose bodies are gone: "skip", "show" or "stop"; empty means
	// skip. Shown, they are lines with how many there are in the place of an event.
	Gone string
	// GoOn makes a reading that a trim or a prune overtakes go on behind what went, as if that had been gone
	// before: a client's Gone says afterwards how much was left out.
	GoOn bool
	// Since and Until take the entries whose event time is not before Since and before Until. The zero
	// time leaves that side open. In a URL they are moments as [age.ParseTime] reads them.
	Since, Until time.Time
	// Reverse yields the same entries last to first.
	Reverse bool
	// Limit is the greatest number of entries; 0 is no limit.
	Limit int
	// Offset is the offset at which a reading in arrival order begins. Nil is the beginning, and for a
	// tail the present end.
	Offset *uint64
	// After is the text form of a cursor of this node's: a reading in arrival order, or a tail, goes on
	// behind it. It stands in the place of an offset, and is refused by any other node. Empty is none.
	After string
	// Page is a token that a page of this query came with: the reading goes on behind that page. Empty is none.
	Page string
	// Transient takes the transient events too that are heard while a tail runs, those that the other
	// filters take. Only a tail can have it, and only a daemon's.
	Transient bool
}

// The parameters of a query, as the URL names them. States and transitions take ParamSubject alone.
const (
	paramOrder     = "order"
	paramAuthor    = "author"
	paramKind      = "kind"
	paramModule    = "module"
	ParamSubject   = "subject"
	paramFrom      = "from"
	paramDisputed  = "disputed"
	paramGone      = "gone"
	paramGoOn      = "go-on"
	paramSince     = "since"
	paramUntil     = "until"
	paramReverse   = "reverse"
	paramLimit     = "limit"
	ParamAfter     = "after"
	ParamPage      = "page"
	paramTransient = "transient"
)

// QueryParameters are those of a [Query].
var QueryParameters = []Parameter{
	{Name: paramOrder, OneOf: []string{"author", "causal", "arrival"}, Default: "author", About: "The order in which entries are told. A tail is in order of arrival."},
	{Name: paramAuthor, Many: true, About: "Entries of these authors: 64 hex digits each."},
	{Name: paramKind, Many: true, About: "Entries of these kinds; one that ends with .* takes all that begin so."},
	{Name: paramModule, Many: true, About: "Entries of these modules."},
	{Name: ParamSubject, Many: true, About: "Entries of these subjects."},
	{Name: paramFrom, About: "Entries that do not stand before this place, AUTHOR/SEQ, in author order."},
	{Name: paramDisputed, OneOf: []string{"show", "hide", "only"}, Default: "show", About: "What is done about entries of authors who contradict themselves."},
	{Name: paramGone, OneOf: []string{"skip", "show", "stop"}, Default: "skip", About: "What is done about entries whose bodies are gone."},
	{Name: paramGoOn, Type: "boolean", About: "Goes on behind what is forgotten while this is read, in the place of ending with an error."},
	{Name: paramSince, About: "Entries whose time is not before this one: RFC 3339, a date, or an age such as 90m."},
	{Name: paramUntil, About: "Entries whose time is before this one."},
	{Name: paramReverse, Type: "boolean", About: "Last to first."},
	{Name: paramLimit, Type: "integer", Default: 0, About: "So many entries at most; 0 is no limit."},
	{Name: ParamOffset, Type: "integer", About: "Begins at this offset of the order of arrival."},
	{Name: ParamAfter, About: "Goes on behind this cursor, which only the node understands that has made it."},
	{Name: ParamPage, About: "Goes on behind the page that came with this token. The rest of the query, but for the limit, is that of the page."},
	{Name: paramTransient, Type: "boolean", About: "Takes transient events too that a tail hears."},
}

// Values returns the query as parameters of a URL.
func (q Query) Values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set(paramOrder, q.Order)
	for _, a := range q.Authors {
		v.Add(paramAuthor, a.String())
	}
	v[paramKind], v[paramModule], v[ParamSubject] = q.Kinds, q.Modules, q.Subjects
	if q.From != nil {
		set(paramFrom, q.From.String())
	}
	set(paramDisputed, q.Disputed)
	set(paramGone, q.Gone)
	if q.GoOn {
		set(paramGoOn, "true")
	}
	if !q.Since.IsZero() {
		set(paramSince, q.Since.Format(time.RFC3339Nano))
	}
	if !q.Until.IsZero() {
		set(paramUntil, q.Until.Format(time.RFC3339Nano))
	}
	if q.Reverse {
		set(paramReverse, "true")
	}
	if q.Limit != 0 {
		set(paramLimit, strconv.Itoa(q.Limit))
	}
	if q.Offset != nil {
		set(ParamOffset, strconv.FormatUint(*q.Offset, 10))
	}
	set(ParamAfter, q.After)
	set(ParamPage, q.Page)
	if q.Transient {
		set(paramTransient, "true")
	}
	return v
}

// ParseQuery reads what [Query.Values] returns. A parameter that does not exist is an error that names
// the nearest one, and so is one that stands there twice where one value is wanted.
func ParseQuery(v url.Values) (Query, error) {
	var q Query
	if err := CheckParameters(v, QueryParameters); err != nil {
		return Query{}, err
	}
	for name, values := range v {
		for _, value := range values {
			if err := q.set(name, value); err != nil {
				return Query{}, fmt.Errorf("parameter %s: %w", name, err)
			}
		}
	}
	return q, nil
}

// set takes a value of a parameter.
func (q *Query) set(name, value string) (err error) {
	switch name {
	case paramAuthor:
		var a crdt.Author
		a, err = crdt.ParseAuthor(value)
		q.Authors = append(q.Authors, a)
	case paramKind:
		q.Kinds = append(q.Kinds, value)
	case paramModule:
		q.Modules = append(q.Modules, value)
	case ParamSubject:
		q.Subjects = append(q.Subjects, value)
	case paramOrder:
		q.Order = value
	case paramDisputed:
		q.Disputed = value
	case paramGone:
		q.Gone = value
	case ParamAfter:
		q.After = value
	case ParamPage:
		q.Page = value
	case paramFrom:
		q.From = new(crdt.Place)
		*q.From, err = crdt.ParsePlace(value)
	case paramSince:
		q.Since, err = age.ParseTime(value, time.Now())
	case paramUntil:
		q.Until, err = age.ParseTime(value, time.Now())
	case paramGoOn:
		q.GoOn, err = strconv.ParseBool(value)
	case paramReverse:
		q.Reverse, err = strconv.ParseBool(value)
	case paramTransient:
		q.Transient, err = strconv.ParseBool(value)
	case paramLimit:
		q.Limit, err = ParseLimit(value)
	case ParamOffset:
		q.Offset = new(uint64)
		*q.Offset, err = strconv.ParseUint(value, 10, 63)
	}
	return err
}

// ParseLimit reads the limit of a query.
func ParseLimit(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q: expected a number, 0 for no limit", s)
	}
	return n, nil
}
