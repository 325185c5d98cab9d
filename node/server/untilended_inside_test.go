package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

// TestACallEndsWithItsGrant: whatever the handler of a call waits for, it is free within 5 s of the end of the call's
// token, and of its ticket; a call of another token goes on.
func TestACallEndsWithItsGrant(t *testing.T) {
	waits := map[string]func(w http.ResponseWriter, r *http.Request) error{
		"for its context": func(_ http.ResponseWriter, r *http.Request) error {
			<-r.Context().Done()
			return context.Cause(r.Context())
		},
		"for a client that does not read": func(w http.ResponseWriter, _ *http.Request) error {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return err
				}
			}
		},
		"for a client that does not send": func(_ http.ResponseWriter, r *http.Request) error {
			_, err := io.Copy(io.Discard, r.Body)
			return err
		},
	}
	ends := map[string]struct {
		end    func(guarded) error
		goesOn bool
	}{
		"revoked": {func(g guarded) error { return g.tokens.Revoke("t") }, false},
		"expired": {func(guarded) error {
			time.Sleep(time.Hour)
			return nil
		}, false},
		"another is revoked": {func(g guarded) error { return g.tokens.Revoke("other") }, true},
	}
	for waiting, wait := range waits {
		for how, c := range ends {
			t.Run("waits "+waiting+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					began, over := make(chan struct{}), make(chan error, 1)
					g := newGuarded(t, func(w http.ResponseWriter, r *http.Request) {
						close(began)
						over <- wait(w, r)
					})
					head := g.token(t, api.TokenRequest{Name: "t", Scopes: []api.Scope{api.ScopeAppend}, TTL: age.Age(time.Hour)})
					g.token(t, api.TokenRequest{Name: "other", Scopes: []api.Scope{api.ScopeAppend}})
					near, stop := serve(t, g)
					defer stop()
					fmt.Fprintf(near, "POST /v1/entries HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nAuthorization: %s\r\n\r\n{", head.Get("Authorization"))
					<-began
					if err := c.end(g); err != nil {
						t.Fatal(err)
					}
					time.Sleep(5 * time.Second)
					synctest.Wait()
					select {
					case err := <-over:
						if err == nil || c.goesOn {
							t.Errorf("the call has ended: %v", err)
						}
					default:
						if !c.goesOn {
							t.Error("the call goes on")
						}
						_ = g.tokens.Revoke("t") // it would outlive the test
						<-over
					}
				})
			})
		}
	}
}

// serve serves a handler on one connection in memory, and returns its other end.
func serve(t *testing.T, h http.Handler) (near net.Conn, stop func()) {
	t.Helper()
	listener := &memoryListener{conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: h}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(listener) }()
	near, err := listener.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return near, func() {
		_ = errors.Join(near.Close(), srv.Close())
		<-ended
	}
}
