package server

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quipulog/quipu/node/api"
)

// queried is the part of an input that the URL's parameters are in. Huma describes them, and does not read them: to it one
// that is empty is none.
type queried struct{ params url.Values }

// Resolve takes the parameters of a request; huma calls it.
func (q *queried) Resolve(ctx huma.Context) []error {
	u := ctx.URL()
	q.params = u.Query()
	return nil
}

// onlyKnownParameters serves what the router does, and refuses a request with a parameter that its route does not take, or
// whose head says of the body what the node would not go by.
func (rt *router) onlyKnownParameters() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := rt.mux.Handler(r)
		if op, declared := rt.operations[route]; declared {
			if err := cmp.Or(api.CheckParameters(r.URL.Query(), op.params), checkHead(r.Header, op)); err != nil {
				rt.s.refuse(w, r, invalid(err))
				return
			}
		}
		rt.mux.ServeHTTP(w, r)
	})
}

// checkHead says what of a request's head an operation would not go by, where the client would count on it.
func checkHead(h http.Header, op operation) error {
	switch coding := h.Get("Content-Encoding"); {
	case len(h.Values("Content-Type")) > 1:
		return fmt.Errorf("header Content-Type stands there %d times: expected it once", len(h.Values("Content-Type")))
	case len(h.Values("Content-Encoding")) > 1, coding != "" && !strings.EqualFold(coding, "identity"):
		return fmt.Errorf("header Content-Encoding: %.80q: expected a body as it is: answers are compressed, requests are not", coding)
	case op.scope == api.ScopeAppend && op.heads == nil && h[api.KeyHeader] != nil:
		return fmt.Errorf("%s takes no %s: what is sent again is done again", op.id, api.KeyHeader)
	}
	return nil
}

// describe returns parameters as the document has them. In says where they stand.
func describe(params []api.Parameter, in string) []*huma.Param {
	var all []*huma.Param
	for _, p := range params {
		schema := &huma.Schema{Type: huma.TypeString, Default: p.Default}
		if p.Type != "" {
			schema.Type = p.Type
		}
		for _, value := range p.OneOf {
			schema.Enum = append(schema.Enum, value)
		}
		one := &huma.Param{Name: p.Name, In: in, Description: p.About, Schema: schema}
		if p.Many {
			explode := true
			one.Schema, one.Explode = &huma.Schema{Type: huma.TypeArray, Items: schema}, &explode
		}
		all = append(all, one)
	}
	return all
}
