package api

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/nearest"
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
	// before: [Client.Gone] says afterwards how much was left out.
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
	paramGoOn      = "goOn"
	paramSince     = "since"
	paramUntil     = "until"
	paramReverse   = "reverse"
	paramLimit     = "limit"
	paramOffset    = "offset"
	paramAfter     = "after"
	paramTransient = "transient"
)

var params = []string{
	paramOrder, paramAuthor, paramKind, paramModule, ParamSubject, paramFrom, paramDisputed, paramGone, paramGoOn,
	paramSince, paramUntil, paramReverse, paramLimit, paramOffset, paramAfter, paramTransient,
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
		set(paramOffset, strconv.FormatUint(*q.Offset, 10))
	}
	set(paramAfter, q.After)
	if q.Transient {
		set(paramTransient, "true")
	}
	return v
}

// ParseQuery reads what [Query.Values] returns. A parameter that does not exist is an error that names
// the nearest one, and so is one that stands there twice where one value is wanted.
func ParseQuery(v url.Values) (Query, error) {
	var q Query
	for name, values := range v {
		if !slices.Contains(params, name) {
			return Query{}, nearest.Unknown("parameter", name, params)
		}
		for i, value := range values {
			if err := q.set(name, value, i); err != nil {
				return Query{}, fmt.Errorf("parameter %s: %w", name, err)
			}
		}
	}
	return q, nil
}

// set takes the i-th value of a parameter.
func (q *Query) set(name, value string, i int) (err error) {
	switch name {
	case paramAuthor:
		var a crdt.Author
		a, err = crdt.ParseAuthor(value)
		q.Authors = append(q.Authors, a)
		return err
	case paramKind:
		q.Kinds = append(q.Kinds, value)
		return nil
	case paramModule:
		q.Modules = append(q.Modules, value)
		return nil
	case ParamSubject:
		q.Subjects = append(q.Subjects, value)
		return nil
	}
	if i > 0 {
		return fmt.Errorf("%q: one value is enough", value)
	}
	switch name {
	case paramOrder:
		q.Order = value
	case paramDisputed:
		q.Disputed = value
	case paramGone:
		q.Gone = value
	case paramAfter:
		q.After = value
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
	case paramOffset:
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
