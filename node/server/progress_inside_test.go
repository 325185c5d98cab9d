package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// serves returns the one route that does do.
func serves[O any](do func(context.Context, *none, func(api.Progress)) (O, error)) http.Handler {
	rt := newRouter(&server{logger: slog.New(slog.DiscardHandler)}, false)
	tells(rt, "POST /v1/index/rebuild", operation{id: "rebuildIndex"}, do)
	return rt.mux
}

// told returns a client of a route that does do.
func told(do func(context.Context, *none, func(api.Progress)) (api.Index, error)) *client.Client {
	return Local(keepAlive(serves(do)), func() error { return nil })
}

// TestProgressIsTold: a client hears how far it is while it takes long, never more often than is of use, and the
// answer at the end.
func TestProgressIsTold(t *testing.T) {
	const steps, pause = 100_000, time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		c := told(func(_ context.Context, _ *none, tell func(api.Progress)) (api.Index, error) {
			time.Sleep(10 * api.Silence) // before there is anything to say, it lives
			for i := range uint64(steps) {
				tell(api.Progress{Done: i, Total: steps, Unit: "entries"})
				time.Sleep(pause)
			}
			return api.Index{Reached: steps}, nil
		})
		var heard []api.Progress
		done, err := c.RebuildIndex(t.Context(), func(p api.Progress) { heard = append(heard, p) })
		if err != nil || done.Reached != steps {
			t.Errorf("answer %+v, %v", done, err)
		}
		most := int(steps * pause / api.TellEvery)
		if len(heard) < most-2 || len(heard) > most+1 {
			t.Errorf("%d times told in %s", len(heard), steps*pause)
		}
		if !slices.IsSortedFunc(heard, func(a, b api.Progress) int { return int(a.Done) - int(b.Done) }) {
			t.Error("what was told goes back")
		}
		for _, p := range heard {
			if p.Total != steps || p.Unit != "entries" {
				t.Errorf("told %+v", p)
			}
		}
		if done, err := c.RebuildIndex(t.Context(), nil); err != nil || done.Reached != steps {
			t.Errorf("nobody listens: %+v, %v", done, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestProgressEndsWithAnError: what fails is told by its code, whether or not something was told before.
func TestProgressEndsWithAnError(t *testing.T) {
	for _, after := range []time.Duration{0, time.Minute} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := told(func(_ context.Context, _ *none, tell func(api.Progress)) (api.Index, error) {
					for range after / time.Second {
						tell(api.Progress{Done: 1})
						time.Sleep(time.Second)
					}
					return api.Index{}, &api.Error{Code: api.NotFound, Message: "no such thing"}
				})
				heard := 0
				_, err := c.RebuildIndex(t.Context(), func(api.Progress) { heard++ })
				if !errors.Is(err, api.ErrNotFound) || err.Error() != "no such thing" || heard > 0 != (after > 0) {
					t.Errorf("%v after %d lines", err, heard)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestProgressWaitsForNobody: who tells is not kept by a client that does not read, and one that has left ends the
// work by its context.
func TestProgressWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuck{ResponseRecorder: httptest.NewRecorder(), free: make(chan struct{})}
		serves(func(_ context.Context, _ *none, tell func(api.Progress)) (int, error) {
			for i := range uint64(1000) {
				tell(api.Progress{Done: i})
				time.Sleep(time.Second)
			}
			close(w.free)
			return 7, nil
		}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/index/rebuild", nil))
		if lines := strings.Fields(w.Body.String()); len(lines) > 3 || lines[len(lines)-1] != "7" {
			t.Errorf("sent %q", lines)
		}

		c := told(func(ctx context.Context, _ *none, tell func(api.Progress)) (api.Index, error) {
			tell(api.Progress{Done: 1})
			<-ctx.Done()
			return api.Index{}, ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		_, err := c.RebuildIndex(ctx, func(api.Progress) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the client left: %v", err)
		}
		if err := c.Close(); err != nil { // once the handler has returned
			t.Error(err)
		}
	})
}

// stuck is a client that takes nothing before it is free.
type stuck struct {
	*httptest.ResponseRecorder
	free chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.free
	return s.ResponseRecorder.Write(b)
}
