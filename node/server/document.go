package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/quipulog/quipu/node/api"
)

// tokenScheme and ticketScheme name the ways in which a client shows a token, or a ticket.
const (
	tokenScheme  = "token"
	ticketScheme = "ticket"
)

// everyRoute are the codes with which any route may refuse.
var everyRoute = []api.Code{api.Invalid, api.Unauthorized, api.Forbidden, api.Misdirected, api.CrossOrigin, api.TooLarge, api.TooMany, api.Busy, api.Stopping, api.Internal}

func init() {
	// Huma has one form of errors and of lists in a process. What it finds wrong itself is told as the rest is.
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return found(status, message, errs).Told()
	}
}

// found returns what a client is told of what huma has found wrong with a request.
func found(status int, message string, errs []error) *api.Error {
	told := &api.Error{Code: api.Invalid, Message: message}
	switch {
	case status == http.StatusRequestEntityTooLarge:
		told.Code = api.TooLarge
		if limit, most := "request body is too large limit=%d bytes", int64(0); scanned(message, limit, &most) {
			told.Message = fmt.Sprintf("the body is longer than %d bytes", most-1)
		}
	case status >= http.StatusInternalServerError:
		told.Code = api.Internal
	}
	var all []string
	for _, err := range errs {
		if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			all = append(all, detail(d))
		} else if err != nil {
			all = append(all, err.Error())
		}
	}
	if all != nil {
		told.Message = strings.Join(all, "; ")
	}
	return told
}

// scanned reports whether a text has a form, and reads what stands in it.
func scanned(text, form string, into ...any) bool {
	n, err := fmt.Sscanf(text, form, into...)
	return err == nil && n == len(into)
}

// detail says what huma has found wrong with one part of a request.
func detail(d *huma.ErrorDetail) string {
	message := strings.TrimPrefix(d.Message, "invalid value: ")
	where, name, _ := strings.Cut(d.Location, ".")
	switch {
	case where == "body":
		return "read request: " + message
	case where == "query" && (d.Value == nil || d.Value == ""):
		return fmt.Sprintf("parameter %s: %s", name, message)
	case where == "query":
		return fmt.Sprintf("parameter %s: %.80q: %s", name, fmt.Sprint(d.Value), message)
	}
	return message
}

// newRouter returns a router without routes, which serves them, and describes them if it is to.
func newRouter(s *server, describes bool) *router {
	rt := &router{s: s, mux: http.NewServeMux(), describes: describes, operations: make(map[string]operation)}
	var schemas huma.Registry = noSchemas{}
	if describes {
		schemas = newSchemas()
	}
	rt.api = humago.New(rt.mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "quipu", Version: "1",
				Description: "A node of a replicated event log. Fields that a client does not know may be added to answers; a field or parameter that a node does not know is an error.",
				License:     &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Servers: []*huma.Server{{URL: "/"}},
			Components: &huma.Components{
				Schemas: schemas,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					tokenScheme:  {Type: "http", Scheme: "bearer", Description: "A token of the node, see quipu token. The node's own socket asks for none."},
					ticketScheme: {Type: "apiKey", In: "query", Name: api.ParamTicket, Description: "What POST /v1/tickets returns as a part of a URL, for this path and query."},
				},
			},
		},
		Formats: map[string]huma.Format{contentJSON: jsonFormat, "json": jsonFormat}, DefaultFormat: contentJSON,
	})
	rt.api.UseMiddleware(func(c huma.Context, next func(huma.Context)) { next(unhurried{c}) })
	return rt
}

// refusals returns the answers of a route that refuses with the codes, and with those of every route: by status.
func (rt *router) refusals(codes []api.Code) map[string]*huma.Response {
	byStatus := make(map[string][]api.Code)
	for _, c := range slices.Concat(everyRoute, codes) {
		status := strconv.Itoa(c.About().Status)
		if !slices.Contains(byStatus[status], c) {
			byStatus[status] = append(byStatus[status], c)
		}
	}
	answers := make(map[string]*huma.Response, len(byStatus))
	for status, codes := range byStatus {
		one := &huma.Schema{Type: huma.TypeString}
		var told []string
		for _, c := range codes {
			one.Enum = append(one.Enum, string(c))
			told = append(told, string(c)+": "+c.About().Title)
		}
		answers[status] = &huma.Response{Description: strings.Join(told, "; "), Content: map[string]*huma.MediaType{api.ContentProblem: {
			Schema: &huma.Schema{AllOf: []*huma.Schema{rt.schemaOf(api.Error{}), {Type: huma.TypeObject, Properties: map[string]*huma.Schema{"code": one}}}},
		}}}
	}
	return answers
}

// Document returns the OpenAPI document of the routes, in JSON. It is made when it is first asked for.
var Document = sync.OnceValues(func() ([]byte, error) {
	doc, err := json.Marshal((&server{}).routes(true).api.OpenAPI())
	if err != nil {
		return nil, err
	}
	return openAnswers(doc)
})

// getDocument answers with the document, which holds nothing of this node.
func (s *server) getDocument(w http.ResponseWriter, r *http.Request) {
	b, err := Document()
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(b) // the client has left, or reads it
}
