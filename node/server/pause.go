package server

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// mayPause lets the client of a call pause for as long as it likes while it sends a body that is a stream: over a network
// what it holds up is its token's alone. A body that is read as a whole, which memory holds until all of it is there, has
// to come in the time that the listener gives.
func mayPause(w http.ResponseWriter, r *http.Request) {
	if grantOf(r.Context()) != nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // where there are none, nobody is hurried
	}
}

type humaContext = huma.Context

// unhurried is what huma knows of a call. It sets no time for a body: without one of its own, which would last beyond the
// body, it would lift that of the listener.
type unhurried struct{ humaContext }

// SetReadDeadline does nothing.
func (unhurried) SetReadDeadline(time.Time) error { return nil }

// Unwrap returns what [humago.Unwrap] looks for.
func (u unhurried) Unwrap() huma.Context { return u.humaContext }
