package server_test

import (
	"errors"
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

// notes appends an entry for each subject.
func notes(t *testing.T, log *eventlog.Log, subjects ...string) {
	t.Helper()
	for _, s := range subjects {
		if _, err := log.Append(t.Context(), crdt.Event{Kind: "note", Subject: s}); err != nil {
			t.Fatal(err)
		}
	}
}

// parkAll has a follower park all that there is.
func parkAll(t *testing.T, log *eventlog.Log, name string) {
	t.Helper()
	cfg := eventlog.FollowConfig{Until: new(log.Stats().Next), OnError: eventlog.RetryOnError, ParkAfter: 1}
	bad := errors.New("bad")
	if err := log.Follow(t.Context(), name, cfg, func(*eventlog.Tx, []eventlog.Entry) error { return bad }); err != nil {
		t.Fatal(err)
	}
}

// wantCode wants a call to be refused with the code.
func wantCode(t *testing.T, what string, err error, code api.Code) {
	t.Helper()
	refusal, ok := errors.AsType[*api.Error](err)
	if !ok || refusal.Code != code {
		t.Errorf("%s: %v, want code %s", what, err, code)
	}
}

// TestFollowersByName has followers with names that no path can hold.
func TestFollowersByName(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		notes(t, log, "one", "two", "three")
		names := []string{"..", "//", "a&b=c d", "ü"}
		for _, name := range names {
			parkAll(t, log, name)
		}
		var listed []string
		for f, err := range c.Followers(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			listed = append(listed, f.Name)
		}
		if diff := cmp.Diff(names, listed); diff != "" {
			t.Errorf("followers (-want +got):\n%s", diff)
		}
		for _, name := range names {
			checkFollower(t, log, c, name)
		}
		for _, err := range c.Followers(t.Context()) {
			t.Errorf("a follower is left, %v", err)
		}
	})
}

// checkFollower makes every call about a follower that has parked three entries, and removes it.
func checkFollower(t *testing.T, log *eventlog.Log, c *client.Client, name string) {
	t.Helper()
	ctx := t.Context()
	var parked []uint64
	for p, err := range c.Parked(ctx, name) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := log.Lookup(ctx, crdt.Place{Author: p.Author, Seq: p.Seq})
		if err != nil || e.Op != p.Op || e.Kind != p.Kind || e.Subject != p.Subject || p.Failure.Error != "bad" || p.Failure.Time.IsZero() {
			t.Errorf("parked %+v is entry %+v, %v", p, e, err)
		}
		parked = append(parked, p.Offset)
	}
	if diff := cmp.Diff([]uint64{0, 1, 2}, parked); diff != "" {
		t.Errorf("parked (-want +got):\n%s", diff)
	}
	if n, err := c.DropParked(ctx, name, 0, 2); n != 2 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	_, err := c.DropParked(ctx, name, 2)
	wantCode(t, "drop what is not there", err, api.NotFound)
	if n, err := c.DropParked(ctx, name); n != 1 || err != nil {
		t.Errorf("dropped all %d, %v", n, err)
	}
	f, err := c.ResetFollower(ctx, name, api.ToStart)
	if err != nil || f.Cursor != 0 || f.Lag != 3 || f.Dropped != 3 {
		t.Errorf("reset: %+v, %v", f, err)
	}
	if n, err := c.SkipFollower(ctx, name, 2); n != 2 || err != nil {
		t.Errorf("skipped %d, %v", n, err)
	}
	if f, err = c.Follower(ctx, name); err != nil || f.Name != name || f.Cursor != 2 || f.Skipped != 2 || f.Failure == nil {
		t.Errorf("%+v, %v", f, err)
	}
	if err := c.RemoveFollower(ctx, name); err != nil {
		t.Error(err)
	}
	_, err = c.Follower(ctx, name)
	wantCode(t, "show what was removed", err, api.NotFound)
}

func TestFollowerCallsAreRefused(t *testing.T) {
	log := eventlogtest.Open(t)
	notes(t, log, "one")
	parkAll(t, log, "f")
	handler := server.New(server.Config{Log: log})
	for call, want := range map[string]string{
		"GET /g":                        `no such follower: \"g\": expected one of f`,
		"GET /g/parked":                 `"code":"not-found"`,
		"GET /f?nmae=f":                 `unknown parameter \"nmae\"`,
		"POST /f/reset":                 `expected start, end or an offset`,
		"POST /f/reset?to=-1":           `expected start, end or an offset`,
		"POST /f/reset?to=2":            `offset 2: expected 0 to 1`,
		"POST /f/reset?to=1&to=0":       `one value is enough`,
		"POST /quipu.x/reset?to=0":      `"code":"invalid"`,
		"POST /f/reset?to=0&entries=1":  `unknown parameter \"entries\"`,
		"POST /f/skip":                  `expected a number of entries`,
		"POST /f/skip?entries=0":        `expected a number of entries`,
		"POST /f/drop?offset=x":         `expected an offset`,
		"POST /f/drop?offset=0&offset=": `expected an offset`,
		"DELETE /":                      `"code":"not-found"`,
		"DELETE /%ff":                   `expected UTF-8`,
	} {
		method, path, _ := strings.Cut(call, " ")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(method, "/v1/followers"+path, nil))
		if w.Code != http.StatusBadRequest && w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %q", call, w.Code, w.Body, want)
		}
	}
	if f, err := log.Follower(t.Context(), "f"); err != nil || f.Cursor != 1 || f.Parked != 1 {
		t.Errorf("a refused call has changed something: %+v, %v", f, err)
	}
}

// TestTailAfterACursor goes on behind what was read, and refuses a cursor of another node.
func TestTailAfterACursor(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		notes(t, log, "one", "two")
		status, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		notes(t, log, "three", "four")
		var got []string
		for line, err := range c.Tail(t.Context(), api.Query{After: status.Cursor, Limit: 2}) {
			if err != nil {
				t.Fatal(err)
			}
			e, _, err := line.Entry()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Subject)
		}
		if diff := cmp.Diff([]string{"three", "four"}, got); diff != "" {
			t.Errorf("behind the cursor (-want +got):\n%s", diff)
		}
		for what, after := range map[string]string{
			"another node":        eventlogtest.OpenAs(t, "another").CursorAt(0).String(),
			"what is not reached": log.CursorAt(5).String(),
			"no cursor":           "5",
		} {
			for _, err := range c.Tail(t.Context(), api.Query{After: after}) {
				wantCode(t, "tail after "+what, err, api.Invalid)
			}
			for _, err := range c.Entries(t.Context(), api.Query{Order: "arrival", After: after}) {
				wantCode(t, "entries after "+what, err, api.Invalid)
			}
		}
	})
}
