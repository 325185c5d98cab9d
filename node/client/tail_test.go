package client_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// cutter is an answer to a tail that ends behind so many bytes, in a line or between two.
type cutter struct {
	http.ResponseWriter
	left  int
	began func() // is called when the head is sent
}

func (c *cutter) WriteHeader(status int) {
	c.began()
	c.ResponseWriter.WriteHeader(status)
}

func (c *cutter) Write(b []byte) (int, error) {
	if c.left -= len(b); c.left < 0 {
		b = b[:max(0, len(b)+c.left)]
	}
	n, err := c.ResponseWriter.Write(b)
	if c.left < 0 {
		err = errors.Join(err, http.NewResponseController(c.ResponseWriter).Flush(), errors.New("cut"))
	}
	return n, err
}

func (c *cutter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// cuts stands before a node and cuts its tails.
type cuts struct {
	each  []int       // behind how many bytes each; what comes after those is not cut
	began func(n int) // is called when the n-th tail has begun, from 0 on; nil for nobody
	asked atomic.Int32
}

func (c *cuts) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/tail" {
			next.ServeHTTP(w, r)
			return
		}
		n := int(c.asked.Add(1)) - 1
		cut := &cutter{ResponseWriter: w, left: math.MaxInt, began: func() {
			if c.began != nil {
				c.began(n)
			}
		}}
		if n < len(c.each) {
			cut.left = c.each[n]
		}
		next.ServeHTTP(cut, r)
		if cut.left < 0 {
			panic(http.ErrAbortHandler)
		}
	})
}

// subjects reads a tail until it has the entry of a subject, or an error.
func subjects(ctx context.Context, c *client.Client, q api.Query, until string) (all []string, err error) {
	for line, err := range c.Tail(ctx, q) {
		if err != nil {
			return all, err
		}
		e, _, err := line.Entry()
		if err != nil {
			return all, err
		}
		if all = append(all, e.Subject); e.Subject == until {
			break
		}
	}
	return all, nil
}

// TestATailGoesOnBehindACut cuts it again and again: in a line, between two, before the first; nothing is left out and
// nothing comes twice, whatever filter and limit it has.
func TestATailGoesOnBehindACut(t *testing.T) {
	before := &cuts{each: []int{1500, 0, 333, 1, 900, 900, 4000}}
	r := newRemote(t, eventlogtest.Open(t), before.around)
	c := r.dial(t)
	const n = 60
	if err := add(t.Context(), c, 0, n); err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]api.Query{"all": {}, "some": {Kinds: []string{"note"}, Limit: n}} {
		before.asked.Store(0)
		q.Offset = new(uint64)
		all, err := subjects(t.Context(), c, q, fmt.Sprint(n-1))
		if err != nil || len(all) != n {
			t.Errorf("%s: %d entries, %v", name, len(all), err)
		}
		for i, s := range all {
			if s != fmt.Sprint(i) {
				t.Fatalf("%s: entry %d is %s", name, i, s)
			}
		}
		if got := int(before.asked.Load()); got <= len(before.each) {
			t.Errorf("%s: it was asked %d times, and is to be cut %d times", name, got, len(before.each))
		}
	}
}

// note appends an entry.
func note(t *testing.T, log *eventlog.Log, subject string, class crdt.Retention) {
	t.Helper()
	if _, err := log.Append(t.Context(), crdt.Event{Kind: "note", Subject: subject, Retention: class}); err != nil {
		t.Error(err)
	}
}

// TestATailOfNewEntriesGoesOn: one that was cut before it has met any goes on where it began, and not at what the end is
// by then.
func TestATailOfNewEntriesGoesOn(t *testing.T) {
	log := eventlogtest.Open(t)
	before := &cuts{each: []int{0}, began: func(n int) { note(t, log, fmt.Sprint("new ", n), crdt.Persistent) }}
	r := newRemote(t, log, before.around)
	note(t, log, "old", crdt.Persistent)
	all, err := subjects(t.Context(), r.dial(t), api.Query{}, "new 1")
	if err != nil || fmt.Sprint(all) != "[new 0 new 1]" {
		t.Errorf("it read %q, %v", all, err)
	}
}

// TestATailSaysWhatWentMeanwhile: what was trimmed while it was cut off ends it with the place to go on at; what was before it
// began is left out as its query says, and so is what goes behind the place where it has caught up.
func TestATailSaysWhatWentMeanwhile(t *testing.T) {
	log := eventlogtest.Create(t, t.TempDir(), eventlog.Config{Key: eventlogtest.Key("own"), Trim: eventlog.TrimPolicy{MinAge: -1, MinCount: 1}})
	trim := func() {
		note(t, log, "last", crdt.Persistent)
		if _, err := log.Trim(t.Context(), eventlog.TrimOptions{}); err != nil {
			t.Error(err)
		}
	}
	for i := range 2 {
		note(t, log, fmt.Sprint("gone ", i), crdt.Trimmable)
	}
	trim()
	for i := range 20 {
		note(t, log, fmt.Sprint(i), crdt.Trimmable)
	}
	before := &cuts{each: []int{700}}
	r := newRemote(t, log, func(next http.Handler) http.Handler {
		around := before.around(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if before.asked.Load() == 1 {
				trim()
			}
			around.ServeHTTP(w, r)
		})
	})
	all, err := subjects(t.Context(), r.dial(t), api.Query{Offset: new(uint64)}, "none")
	refusal, ok := errors.AsType[*api.Error](err)
	if !ok || refusal.Trimmed == nil || refusal.Trimmed.Offset != log.Stats().Next-1 {
		t.Errorf("it ended with %v", err)
	}
	if len(all) < 2 || len(all) > 20 || all[0] != "last" || all[1] != "0" {
		t.Errorf("it read %q", all)
	}
	next := log.Stats().Next - 1
	if all, err = subjects(t.Context(), r.dial(t), api.Query{Offset: &next}, "last"); err != nil || len(all) != 1 {
		t.Errorf("from there on it read %q, %v", all, err)
	}
}

// TestATailEndsWithItsNode: one whose node does not come back ends with that, after as many tries as its client makes.
func TestATailEndsWithItsNode(t *testing.T) {
	before := &cuts{each: []int{400, 0, 0, 0, 0, 0, 0, 0, 0, 0}}
	r := newRemote(t, eventlogtest.Open(t), before.around)
	c, err := client.Dial(r.url, client.Options{Token: r.token, TLS: r.tls, Retries: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := add(t.Context(), c, 0, 9); err != nil {
		t.Fatal(err)
	}
	all, err := subjects(t.Context(), c, api.Query{Offset: new(uint64)}, "8")
	if !errors.Is(err, api.ErrLeft) || len(all) == 0 || len(all) > 8 {
		t.Errorf("after %d entries it ended with %v", len(all), err)
	}
	if n := before.asked.Load(); n != 3 {
		t.Errorf("it was asked %d times, want one and two again", n)
	}
}
