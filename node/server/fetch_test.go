package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// said returns what the entries of a batch are about.
func said(b api.Fetched) string {
	var all []string
	for _, e := range b.Entries {
		all = append(all, e.Subject)
	}
	return strings.Join(all, " ")
}

// consumed runs a test over a client in memory, in fake time.
func consumed(t *testing.T, test func(t *testing.T, log *eventlog.Log, c *client.Client)) {
	synctest.Test(t, func(t *testing.T) {
		log := eventlogtest.Open(t)
		all := server.NewServer(server.Config{Log: log})
		c := server.Local(all.Socket(), func() error {
			all.Close()
			return nil
		})
		test(t, log, c)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestFetchOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		r := api.FetchRequest{Name: "f/1", FollowerConfig: api.FollowerConfig{MaxEntries: 2}, Consumer: "worker 1", Lease: age.Age(time.Hour)}
		if b, err := c.Fetch(t.Context(), r); err != nil || b.Lease != "" || b.Entries == nil || len(b.Entries) > 0 || !b.Until.IsZero() {
			t.Errorf("an empty log: %+v, %v", b, err)
		}
		notes(t, log, "one", "two", "three")
		b, err := c.Fetch(t.Context(), r)
		if err != nil || said(b) != "one two" || b.After != log.CursorAt(2).String() || b.Entries[1].Offset != 1 || time.Until(b.Until) < 59*time.Minute {
			t.Fatalf("%+v, %v", b, err)
		}

		other := r
		other.Consumer = ""
		_, err = c.Fetch(t.Context(), other)
		wantCode(t, "a second consumer", err, api.Leased)
		if told, ok := errors.AsType[*api.Error](err); !ok || told.Held == nil || told.Held.Holder != "worker 1" || !told.Held.Until.Equal(b.Until) {
			t.Errorf("it is told %+v", told)
		}
		err = c.Follow(t.Context(), api.FollowRequest{Name: r.Name, Once: true}, func(context.Context, api.Batch) error { return nil })
		wantCode(t, "a follower beside it", err, api.Leased)
		wantCode(t, "a removal beside it", c.RemoveFollower(t.Context(), r.Name), api.Leased)

		later, err := c.Extend(t.Context(), r.Name, api.ExtendRequest{Lease: b.Lease, By: age.Age(2 * time.Hour)})
		if err != nil || !later.Until.After(b.Until) {
			t.Errorf("extended until %s, %v", later.Until, err)
		}
		if n, err := c.Nack(t.Context(), r.Name, api.NackRequest{Lease: b.Lease, Error: "no room", Delay: 1}); n != 2 || err != nil {
			t.Errorf("nack: %d, %v", n, err)
		}
		f, err := c.Follower(t.Context(), r.Name)
		if err != nil || f.Cursor != 0 || f.Failure == nil || f.Failure.Error != "no room" || !f.Running {
			t.Errorf("%+v, %v", f, err)
		}
		again, err := c.Fetch(t.Context(), r)
		if err != nil || said(again) != "one two" || again.Lease == b.Lease {
			t.Fatalf("%+v, %v", again, err)
		}
		_, err = c.Ack(t.Context(), r.Name, b.Lease)
		wantCode(t, "ack of an old lease", err, api.LeaseLost)
		if n, err := c.Ack(t.Context(), r.Name, again.Lease); n != 2 || err != nil {
			t.Errorf("ack: %d, %v", n, err)
		}
		_, err = c.Extend(t.Context(), r.Name, api.ExtendRequest{Lease: again.Lease})
		wantCode(t, "extend after the ack", err, api.LeaseLost)
		b, err = c.Fetch(t.Context(), r)
		if err != nil || said(b) != "three" {
			t.Fatalf("%+v, %v", b, err)
		}
		if _, err := c.Nack(t.Context(), r.Name, api.NackRequest{Lease: b.Lease, Untouched: true}); err != nil {
			t.Error(err)
		}
		b, err = c.Fetch(t.Context(), r)
		if err != nil || said(b) != "three" {
			t.Fatalf("%+v, %v", b, err)
		}
		if _, err := c.Ack(t.Context(), r.Name, b.Lease); err != nil {
			t.Error(err)
		}
		if f, err = c.Follower(t.Context(), r.Name); err != nil || f.Cursor != 3 || f.Handled != 3 || f.Running || f.Failure.Attempts != 0 {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

// TestFetchesThatMakeNoSense are refused before anything is begun.
func TestFetchesThatMakeNoSense(t *testing.T) {
	log := eventlogtest.Open(t)
	srv := httptest.NewServer(server.New(server.Config{Log: log}))
	defer srv.Close()
	for _, c := range []struct{ call, body, want string }{
		{"fetch", `{"lease":"999ms"}`, `field "lease": 999ms: expected 1s to 12h`},
		{"fetch", `{"lease":"13h"}`, `expected 1s to 12h`},
		{"fetch", `{"wait":"11m"}`, `field "wait": 11m: expected 0 to 10m`},
		{"fetch", `{"maxEntries":-1}`, "MaxEntries is -1"},
		{"fetch", `{"parkAfter":-1}`, "ParkAfter is -1"},
		{"fetch", `{"once":true}`, "once"},
		{"fetch", `{"consumer":"` + strings.Repeat("x", 256) + `"}`, "at most 255 bytes"},
		{"nack", `{"lease":"x","delay":"25h"}`, `field "delay": 1d1h: expected 0 to 1d`},
		{"nack", `{"lease":"x","untouched":true,"error":"e"}`, "untouched"},
		{"extend", `{"lease":"x","by":"1ms"}`, `field "by"`},
	} {
		resp, err := http.Post(srv.URL+"/v1/followers/f/"+c.call, "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		var told api.Error
		err = json.NewDecoder(resp.Body).Decode(&told)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusBadRequest || told.Code != api.Invalid || !strings.Contains(told.Message, c.want) {
			t.Errorf("%s %s: %d %+v, %v, want %s", c.call, c.body, resp.StatusCode, told, err, c.want)
		}
	}
	if _, err := log.Follower(t.Context(), "f"); !errors.Is(err, eventlog.ErrNoFollower) {
		t.Errorf("a follower was begun: %v", err)
	}
}

// TestConsume: the lease is extended while the handler works, what fails comes again and is parked, and several
// consumers handle each entry once.
func TestConsume(t *testing.T) {
	consumed(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		notes(t, log, "one", "poison", "two")
		r := api.FetchRequest{Name: "f", ParkAfter: 2, Lease: age.Age(3 * time.Second)}
		handled := map[string]int{}
		type batch struct {
			api.Fetched
			done chan error
		}
		given := make(chan batch)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		for i := range 3 {
			r := r
			r.Consumer = fmt.Sprint("worker ", i)
			go func() {
				ended <- c.Consume(ctx, r, func(ctx context.Context, b api.Fetched) error {
					time.Sleep(time.Minute) // twenty leases
					work := batch{b, make(chan error)}
					given <- work
					return <-work.done
				})
			}()
		}
		for log.Stats().Next != uint64(handled["one"]+handled["two"]+1) {
			b := <-given
			if strings.Contains(said(b.Fetched), "poison") {
				b.done <- errors.New("it is poison")
				continue
			}
			for _, e := range b.Entries {
				handled[e.Subject]++
			}
			b.done <- nil
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		f, err := c.Follower(t.Context(), "f")
		if err != nil || f.Cursor != 3 || f.Handled != 2 || f.Parked != 1 || handled["one"] != 1 || handled["two"] != 1 {
			t.Errorf("handled %v: %+v, %v", handled, f, err)
		}
		cancel()
		for range 3 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
		}
	})
}

// TestConsumersThatEnd: what the handler had done is acked all the same, and what it had not is given back, which is no
// failure.
func TestConsumersThatEnd(t *testing.T) {
	consumed(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		notes(t, log, "one", "two")
		r := api.FetchRequest{Name: "f", FollowerConfig: api.FollowerConfig{MaxEntries: 1}}
		for _, done := range []bool{true, false} {
			ctx, cancel := context.WithCancel(t.Context())
			err := c.Consume(ctx, r, func(ctx context.Context, b api.Fetched) error {
				cancel()
				if !done {
					return ctx.Err()
				}
				return nil
			})
			f, told := c.Follower(t.Context(), "f")
			if !errors.Is(err, context.Canceled) || told != nil || f.Cursor != 1 || f.Handled != 1 || f.Failure != nil {
				t.Errorf("done is %t: %v, %+v, %v", done, err, f, told)
			}
		}
		if b, err := c.Fetch(t.Context(), r); err != nil || said(b) != "two" {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

// TestAConsumerThatHasLostItsLease is told so while it works, acks nothing, and goes on with what comes.
func TestAConsumerThatHasLostItsLease(t *testing.T) {
	consumed(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		notes(t, log, "one")
		r := api.FetchRequest{Name: "f", Lease: age.Age(time.Minute)}
		var given []string
		ctx, cancel := context.WithCancel(t.Context())
		err := c.Consume(ctx, r, func(working context.Context, b api.Fetched) error {
			given = append(given, said(b))
			if len(given) > 1 {
				cancel()
				return nil
			}
			if _, err := c.Nack(working, "f", api.NackRequest{Lease: b.Lease, Untouched: true}); err != nil {
				t.Error(err)
			}
			<-working.Done()
			wantCode(t, "the handler", context.Cause(working), api.LeaseLost)
			return nil
		})
		f, told := c.Follower(t.Context(), "f")
		if !errors.Is(err, context.Canceled) || told != nil || fmt.Sprint(given) != "[one one]" || f.Cursor != 1 || f.Handled != 1 {
			t.Errorf("given %q: %v, %+v, %v", given, err, f, told)
		}
	})
}

// TestConsumeEndsWhereWaitingIsOfNoUse.
func TestConsumeEndsWhereWaitingIsOfNoUse(t *testing.T) {
	consumed(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		err := c.Consume(t.Context(), api.FetchRequest{Name: "quipu.x"}, func(context.Context, api.Fetched) error { return nil })
		wantCode(t, "a reserved name", err, api.Invalid)
	})
}

// TestFollowersMadeOverANetworkAreBounded: each keeps back trims for as long as it is there. Those that are there go on, and
// whoever is on the node's socket makes more.
func TestFollowersMadeOverANetworkAreBounded(t *testing.T) {
	n := newNetwork(t)
	secret := n.token(t, api.TokenRequest{Name: "root", Scopes: []api.Scope{api.ScopeAdmin}})
	err := n.log.Update(t.Context(), func(tx *eventlog.Tx) error {
		for i := range api.MaxFollowers - 1 {
			if err := tx.SetCursor(fmt.Sprint("f", i), 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		call, body string
		status     int
		want       string
	}{
		{"last/fetch", `{}`, http.StatusOK, "entries"},
		{"more/fetch", `{}`, http.StatusConflict, `"code":"full"`},
		{"more/follow", `{"once":true}`, http.StatusConflict, `"code":"full"`},
		{"last/fetch", `{}`, http.StatusOK, "entries"},
		{"f7/fetch", `{}`, http.StatusOK, "entries"},
	} {
		left, leave := io.Pipe() // a client that goes on sending, as one that follows does
		if strings.HasSuffix(c.call, "fetch") {
			leave.Close()
		}
		resp := n.call(t, http.MethodPost, "/v1/followers/"+c.call, secret, io.MultiReader(strings.NewReader(c.body+"\n"), left))
		answer, err := io.ReadAll(resp.Body)
		leave.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(answer), c.want) {
			t.Errorf("%s: %d %s, %v, want %d %s", c.call, resp.StatusCode, answer, err, c.status, c.want)
		}
	}
	here := server.New(server.Config{Log: n.log})
	w := httptest.NewRecorder()
	here.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/followers/more/fetch", strings.NewReader("{}")))
	if w.Code != http.StatusOK {
		t.Errorf("on the socket: %d %s", w.Code, w.Body)
	}
	if all, err := n.log.Followers(t.Context()); err != nil || len(all) != api.MaxFollowers+1 {
		t.Errorf("%d followers, %v", len(all), err)
	}
}
