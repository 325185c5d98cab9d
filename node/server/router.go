package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/quipulog/quipu/node/api"
)

// router serves routes and describes them: each is declared once, with the types that its handler takes and returns,
// and from that come the handler, the entry in the document and what a token must allow.
type router struct {
	s   *server
	mux *http.ServeMux
	api huma.API
	// describes says that the routes are described, which takes longer than to serve them.
	describes bool
	// operations are what each route is declared with.
	operations map[string]operation
}

// operation is what a route is declared with beside its handler. The route itself is "METHOD /path".
type operation struct {
	// id names it in clients that are made from the document, summary says what it does in a few words, about more.
	id, summary, about string
	// scope is what a token must have; "" asks for no token.
	scope api.Scope
	// tells is the scope of a token that is told more, where none is needed; "" where all are told the same.
	tells api.Scope
	// narrow says that a token for some kinds or subjects alone reaches it, and that the handler keeps to these.
	narrow bool
	// changes says that it changes something other than by appending: over a network it is put on record before.
	changes bool
	// moves says that it moves the place of a reader, as a session of the page never does.
	moves bool
	// codes are those with which it is refused, beside those of every route.
	codes []api.Code
	// params are those that it takes in its URL, heads those in its header.
	params, heads []api.Parameter
	// most bounds a body that is one JSON value, in bytes; 0 is maxOrder.
	most int64
	// takes is the media of a body that the handler reads itself; nil where it reads none.
	takes media
	// gives is the media of an answer that the handler writes itself.
	gives media
	// makes is the media of an answer with the status 201, which says that something is there now.
	makes media
}

// media are the media types of a body: with a value of the type that is one item of it, or nil for bytes.
type media map[string]any

// oneOf are values of several types, of which an item of a body has one.
type oneOf []any

// none is the input of a route that takes nothing.
type none struct{}

// answer is a whole answer in JSON.
type answer[T any] struct{ Body T }

// maybe is a body in JSON that may be left out, which is the zero value.
type maybe[T any] struct{ Body *T }

func (m *maybe[T]) value() (v T) {
	if m.Body != nil {
		v = *m.Body
	}
	return v
}

// asks declares a route whose answer is one JSON value: what do returns, or why there is none.
func asks[I, O any](rt *router, route string, op operation, do func(ctx context.Context, in *I) (O, error)) {
	described := rt.operation(route, op)
	described.Middlewares = huma.Middlewares{squeeze}
	huma.Register(rt.api, described, func(ctx context.Context, in *I) (*answer[O], error) {
		rt.audit(ctx, op, in)
		value, err := do(ctx, in)
		if err != nil {
			return nil, rt.s.told(ctx, err)
		}
		return &answer[O]{value}, nil
	})
}

// streams declares a route whose handler writes the answer itself, and reads the body where the input has none.
func streams[I any](rt *router, route string, op operation, do func(w http.ResponseWriter, r *http.Request, in *I)) {
	described := rt.operation(route, op)
	if rt.describes {
		described.Responses["200"] = &huma.Response{Description: "as the media type says", Content: rt.content(op.gives.ended())}
		if op.makes != nil {
			described.Responses["201"] = &huma.Response{Description: "durable, where it says", Content: rt.content(op.makes)}
		}
	}
	huma.Register(rt.api, described, func(_ context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humago.Unwrap(c)
			rt.audit(r.Context(), op, in)
			do(w, r, in)
		}}, nil
	})
	if !rt.describes || op.takes == nil {
		return
	}
	// Huma would read a body that it knows of, so it is described afterwards.
	path := rt.api.OpenAPI().Paths[described.Path]
	for _, o := range []*huma.Operation{path.Get, path.Post, path.Delete} {
		if o != nil && o.OperationID == op.id {
			o.RequestBody = &huma.RequestBody{Required: true, Content: rt.content(op.takes)}
		}
	}
}

// serve declares a route that is in no document.
func (rt *router) serve(route string, op operation, do http.HandlerFunc) {
	rt.operations[route] = op
	rt.mux.HandleFunc(route, do)
}

// ended returns the media of an answer whose handler may be refused in the middle of it: then its last line says so.
func (m media) ended() media {
	all := maps.Clone(m)
	if item, ok := all[contentLines]; ok {
		all[contentLines] = append(several(item), api.Envelope{})
	}
	return all
}

// several returns an item as one of several types.
func several(item any) oneOf {
	if all, ok := item.(oneOf); ok {
		return slices.Clone(all)
	}
	return oneOf{item}
}

// content describes a body. What is a stream of lines is a text to who does not look into it; of a text, a schema can
// say what stands in it.
func (rt *router) content(m media) map[string]*huma.MediaType {
	content := make(map[string]*huma.MediaType, len(m))
	for name, item := range m {
		schema := &huma.Schema{Type: huma.TypeString, Format: "binary"}
		switch {
		case name == contentEvents || name == contentText:
			schema.Format = ""
		case item != nil && name == contentLines:
			lines := &huma.Schema{Type: huma.TypeArray, Items: rt.schemaOf(item)}
			schema = &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{"contentMediaType": name, "contentSchema": lines}}
		case item != nil:
			schema = rt.schemaOf(item)
		}
		content[name] = &huma.MediaType{Schema: schema}
	}
	return content
}

// operation returns what huma is told of a route.
func (rt *router) operation(route string, op operation) huma.Operation {
	method, path, _ := strings.Cut(route, " ")
	rt.operations[route] = op
	most := op.most
	if most == 0 {
		most = maxOrder
	}
	served := huma.Operation{
		Method: method, Path: path, OperationID: op.id, Hidden: !rt.describes,
		SkipValidateBody: true,     // api.Decode does, and speaks of lines and fields as the rest of the node does
		MaxBodyBytes:     most + 1, // at which huma refuses, see [found]
		BodyReadTimeout:  -1,       // none but the listener's, see [unhurried]
	}
	if rt.describes {
		served.Summary, served.Description, served.Tags = op.summary, op.about, []string{tagOf(path)}
		served.Security = op.security(method)
		served.Parameters, served.Responses = append(describe(op.params, "query"), describe(op.heads, "header")...), rt.refusals(op.codes)
	}
	return served
}

// takesTickets reports whether a ticket reaches the operation by a method: it is for reading.
func (op operation) takesTickets(method string) bool {
	return method == http.MethodGet && (op.scope == api.ScopeRead || op.scope == api.ScopeMetrics)
}

// security is what the document says of who may call it.
func (op operation) security(method string) []map[string][]string {
	switch {
	case op.tells != "":
		return []map[string][]string{{}, {tokenScheme: {string(op.tells)}}}
	case op.scope == "":
		return []map[string][]string{} // none is needed
	}
	ways := []map[string][]string{{tokenScheme: {string(op.scope)}}}
	if op.takesTickets(method) {
		ways = append(ways, map[string][]string{ticketScheme: {}})
	}
	return ways
}

// tagOf returns the group of a route in the document: the first name of its path.
func tagOf(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/v1"), "/"), "/")
	return name
}

// jsonFormat reads and writes bodies.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		err := enc.Encode(v)
		_, _ = w.Write(b.Bytes()) // a client that has left needs no answer, and huma would panic
		return err
	},
	Unmarshal: func(b []byte, v any) error { return api.Decode(bytes.Clone(b), v) },
}
