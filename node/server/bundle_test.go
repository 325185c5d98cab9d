package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/gossip/bundle"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/server"
)

// fillLog appends n entries of about a kilobyte.
func fillLog(t testing.TB, log *eventlog.Log, n int) {
	t.Helper()
	events := make([]crdt.Event, n)
	for i := range events {
		events[i] = crdt.Event{Kind: "k", Payload: fmt.Appendf(nil, `{"n":%d,"text":%q}`, i, strings.Repeat("quipu ", 150))}
	}
	if _, err := log.AppendBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

// A bundle that one node makes and another applies, both through their interfaces.
func TestBundles(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		fillLog(t, log, 3000)
		var made bytes.Buffer
		end, err := c.CreateBundle(t.Context(), &made, api.Since{})
		if err != nil || end.Summary.Entries != 3000 || end.Summary.Bytes != int64(made.Len()) {
			t.Fatalf("%+v, %v, %d bytes", end.Summary, err, made.Len())
		}
		other := eventlogtest.OpenAs(t, "other")
		to := server.Local(server.New(server.Config{Log: other}), func() error { return nil })
		defer to.Close()
		report, err := to.ApplyBundle(t.Context(), bytes.NewReader(made.Bytes()))
		if err != nil || !report.OK() || report.Entries != 3000 || other.Root() != log.Root() {
			t.Fatalf("%+v, %v", report, err)
		}
		fillLog(t, log, 2)
		f, err := to.Frontier(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		made.Reset()
		if end, err = c.CreateBundle(t.Context(), &made, api.Since{Frontier: &f}); err != nil || end.Summary.Entries != 2 {
			t.Fatalf("since the other's frontier: %+v, %v", end.Summary, err)
		}
	})
}

func TestBundlesThatMakeNoSense(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		fillLog(t, log, 10)
		before := log.Root()
		large := io.MultiReader(strings.NewReader("hello "), io.LimitReader(letters{}, 8<<20))
		for name, r := range map[string]io.Reader{"empty": strings.NewReader(""), "large": large} {
			_, err := c.ApplyBundle(t.Context(), r)
			if refusal, ok := errors.AsType[*api.Error](err); !ok || refusal.Code != api.Invalid || !strings.Contains(refusal.Message, "not a bundle") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := c.ApplyBundle(t.Context(), iotest.ErrReader(io.ErrNoProgress)); !errors.Is(err, io.ErrNoProgress) || errors.Is(err, api.ErrLeft) {
			t.Errorf("a file that cannot be read: %v", err)
		}
		f := api.FrontierOf(log.Frontier())
		f.Authors[0].Heads[0].Next++
		for name, since := range map[string]api.Since{
			"changed frontier": {Frontier: &f},
			"two of them":      {Frontier: &f, Offset: 1},
		} {
			var made bytes.Buffer
			_, err := c.CreateBundle(t.Context(), &made, since)
			if refusal, ok := errors.AsType[*api.Error](err); !ok || refusal.Code != api.Invalid || made.Len() > 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := c.CreateBundle(t.Context(), io.Discard, api.Since{Offset: 1, Incarnation: "00"}); !errors.Is(err, api.ErrNotFound) {
			t.Errorf("an offset of other arrivals: %v", err)
		}
		if log.Root() != before {
			t.Error("the log has changed")
		}
	})
}

// Since an offset of arrival a bundle has what has arrived from there on.
func TestBundleSinceOffset(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		fillLog(t, log, 10)
		since := api.Since{Offset: log.Stats().Next, Incarnation: log.Incarnation()}
		fillLog(t, log, 3)
		end, err := c.CreateBundle(t.Context(), io.Discard, since)
		if err != nil || end.Summary.Entries != 3 {
			t.Errorf("%+v, %v", end.Summary, err)
		}
	})
}

// letters is a source of letters.
type letters struct{}

func (letters) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// A disk that is full is not the node's going away, and a bundle whose making fails says so.
func TestBundleCutShort(t *testing.T) {
	each(t, func(t *testing.T, log *eventlog.Log, c *client.Client) {
		fillLog(t, log, 3000)
		if _, err := c.CreateBundle(t.Context(), full{}, api.Since{}); !errors.Is(err, io.ErrShortWrite) || errors.Is(err, api.ErrLeft) {
			t.Errorf("a full disk: %v", err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		var made bytes.Buffer
		end, err := c.CreateBundle(t.Context(), &made, api.Since{})
		if err != nil || len(end.Summary.Left) != 1 || !strings.Contains(end.Summary.Left[0].Reason, "closed") {
			t.Errorf("a log that is closed: %+v, %v", end, err)
		}
		if contents, err := bundle.Inspect(t.Context(), &made, nil); err != nil || contents.OK() || !contents.Whole {
			t.Errorf("%+v, %v", contents, err)
		}
	})
}

// full is a disk without room.
type full struct{}

func (full) Write(b []byte) (int, error) { return len(b) / 2, io.ErrShortWrite }
