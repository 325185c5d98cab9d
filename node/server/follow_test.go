package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// subjectsOf returns what the lines of a batch are about.
func subjectsOf(t *testing.T, b api.Batch) string {
	t.Helper()
	var all []string
	for line := range strings.Lines(string(b.Lines)) {
		e, _, err := crdt.ParseEntryJSON([]byte(line))
		if err != nil {
			t.Error(err)
		}
		all = append(all, e.Subject)
	}
	if len(all) != b.Entries {
		t.Errorf("%d lines, %d entries", len(all), b.Entries)
	}
	return strings.Join(all, " ")
}

func TestFollowOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		request := api.FollowRequest{Name: "f", FollowerConfig: api.FollowerConfig{MaxEntries: 2}, Once: true}
		var got []string
		keep := func(_ context.Context, b api.Batch) error {
			got = append(got, subjectsOf(t, b))
			return nil
		}
		if err := c.Follow(t.Context(), request, keep); err != nil || got != nil {
			t.Errorf("an empty log: %q, %v", got, err)
		}
		notes(t, log, "one", "two", "three")
		if err := c.Follow(t.Context(), request, keep); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"one two", "three"}, got); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		f, err := c.Follower(t.Context(), "f")
		if err != nil || f.Cursor != 3 || f.Handled != 3 || f.Elsewhere || !f.Holds {
			t.Errorf("%+v, %v", f, err)
		}

		// What fails is not passed over.
		notes(t, log, "four")
		err = c.Follow(t.Context(), request, func(context.Context, api.Batch) error { return errors.New("no room") })
		wantCode(t, "a handler that fails", err, api.Unhandled)
		got = nil
		if err := c.Follow(t.Context(), request, keep); err != nil || len(got) != 1 || got[0] != "four" {
			t.Errorf("after a failure: %q, %v", got, err)
		}

		// While one runs, another of the name does not, and it can be moved.
		ctx, cancel := context.WithCancel(t.Context())
		request.Once = false
		notes(t, log, "five")
		var seen []string
		err = c.Follow(ctx, request, func(_ context.Context, b api.Batch) error {
			seen = append(seen, subjectsOf(t, b))
			switch len(seen) {
			case 1:
				wantCode(t, "a second of the name", c.Follow(t.Context(), request, keep), api.Busy)
				wantCode(t, "remove while it runs", c.RemoveFollower(t.Context(), "f"), api.Busy)
				_, err := c.ResetFollower(t.Context(), "f", "2")
				return err
			default:
				cancel()
				return nil
			}
		})
		if !errors.Is(err, context.Canceled) || len(seen) != 2 || seen[1] != "three four" {
			t.Errorf("handled %q, %v", seen, err)
		}
	})
}

// TestAFollowerThatIsCutOffIsGivenTheBatchAgain ends the call while a batch is handled: its cursor stays,
// and that is no failure of the handler.
func TestAFollowerThatIsCutOffIsGivenTheBatchAgain(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		notes(t, log, "one")
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			err := c.Follow(ctx, api.FollowRequest{Name: "f"}, func(context.Context, api.Batch) error {
				cancel()
				return errors.New("cut off")
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			awaitFollower(t, log, "f")
		}
		f, err := log.Follower(t.Context(), "f")
		if err != nil || f.Cursor != 0 || f.Failure != nil {
			t.Errorf("%+v, %v", f, err)
		}
		given := 0
		err = c.Follow(t.Context(), api.FollowRequest{Name: "f", Once: true}, func(_ context.Context, b api.Batch) error {
			given += b.Entries
			return nil
		})
		if given != 1 || err != nil {
			t.Errorf("given %d entries, %v", given, err)
		}
	})
}

// awaitFollower waits until the node has noticed that the follower's client has left.
func awaitFollower(t *testing.T, log *eventlog.Log, name string) {
	t.Helper()
	for running := true; running && t.Context().Err() == nil; {
		f, err := log.Follower(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		running = f.Running
	}
}

func TestFollowRetriesAndParks(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		notes(t, log, "one", "poison", "two")
		var got []string
		request := api.FollowRequest{Name: "f", Once: true, Retry: true, ParkAfter: 1}
		err := c.Follow(t.Context(), request, func(_ context.Context, b api.Batch) error {
			if s := subjectsOf(t, b); strings.Contains(s, "poison") {
				return fmt.Errorf("%s is too much: %s", s, strings.Repeat("x", 1<<16))
			}
			got = append(got, subjectsOf(t, b))
			return nil
		})
		if err != nil || strings.Join(got, " ") != "one two" {
			t.Errorf("handled %q, %v", got, err)
		}
		for p, err := range c.Parked(t.Context(), "f") {
			if err != nil || p.Offset != 1 || !strings.HasPrefix(p.Failure.Error, "poison is too much") || len(p.Failure.Error) > 2<<10 {
				t.Errorf("parked %+v, %v", p, err)
			}
		}
	})
}

// TestRepliesThatMakeNoSense sends a follower's side by hand: what is no reply, or one to another batch,
// moves nothing and ends the call.
func TestRepliesThatMakeNoSense(t *testing.T) {
	log := eventlogtest.Open(t)
	notes(t, log, "one", "two")
	srv := httptest.NewServer(server.New(server.Config{Log: log}))
	defer srv.Close()
	for reply, want := range map[string]string{
		"ok":                        "reply to a batch",
		"{}":                        `reply to batch \"\"`,
		`{"after":"x"} {}`:          "more follows",
		`{"after":"x","done":true}`: "unknown field",
		`{"after":"` + log.CursorAt(2).String() + `"}`: "expected one to",
	} {
		body, into := io.Pipe()
		go fmt.Fprintln(into, `{"maxEntries":1}`)
		resp, err := http.Post(srv.URL+"/v1/followers/f/follow", "application/x-ndjson", body)
		if err != nil {
			t.Fatal(err)
		}
		var last string
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if last = lines.Text(); strings.HasPrefix(last, `{"batch":`) {
				go fmt.Fprintln(into, reply)
			}
		}
		resp.Body.Close()
		into.Close()
		if !strings.Contains(last, `"code":"invalid"`) || !strings.Contains(last, want) {
			t.Errorf("reply %s: %s, want %q", reply, last, want)
		}
		awaitFollower(t, log, "f")
		if f, err := log.Follower(t.Context(), "f"); err != nil || f.Cursor != 0 || f.Failure != nil {
			t.Errorf("reply %s: %+v, %v", reply, f, err)
		}
	}
	for _, request := range []string{"", "{", `{} 1`, `{"once":1}`, `{"onec":true}`, `{"name":"f"}`, `{"parkAfter":1}`} {
		resp, err := http.Post(srv.URL+"/v1/followers/f/follow", "application/x-ndjson", strings.NewReader(request+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !strings.Contains(string(b), `"code":"invalid"`) {
			t.Errorf("request %s: %d %s, %v", request, resp.StatusCode, b, err)
		}
	}
}
