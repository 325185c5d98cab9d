package server

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt/nearest"
	"github.com/quipulog/quipu/node/api"
)

// queryRoutes are the routes whose parameters are those of a query, which [api.ParseQuery] checks.
var queryRoutes = []string{"GET /v1/entries", "GET /v1/tail", "GET /v1/unmatched"}

// waitParameters are those of [api.ParseWait].
var waitParameters = []string{api.ParamWait, api.ParamWaitTimeout, api.ParamAckReplicated, api.ParamWaitRecovered}

// parameters are those that the other routes take. A route that does not stand here takes none.
var parameters = map[string][]string{
	"POST /v1/entries":             waitParameters,
	"POST /v1/transitions":         waitParameters,
	"POST /v1/transitions/guarded": waitParameters,
	"POST /v1/broadcast":           {api.ParamScope},
	"GET /v1/state":                {api.ParamSubject},
	"GET /v1/transitions":          {api.ParamSubject},
	"GET /v1/followers/show":       {api.ParamName},
	"GET /v1/followers/parked":     {api.ParamName},
	"POST /v1/followers/reset":     {api.ParamName, api.ParamTo},
	"POST /v1/followers/skip":      {api.ParamName, api.ParamEntries},
	"POST /v1/followers/drop":      {api.ParamName, api.ParamOffset},
	"POST /v1/followers/remove":    {api.ParamName},
}

// onlyKnownParameters serves what mux does, and refuses a request with a parameter that its route does not
// take: one that is misspelt would otherwise be passed over, and something else done than was asked for.
func (s *server) onlyKnownParameters(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, route := mux.Handler(r)
		known := parameters[route]
		for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
			if !slices.Contains(known, name) && !slices.Contains(queryRoutes, route) {
				s.refuse(w, invalid(nearest.Unknown("parameter", strings.ToValidUTF8(name, "?"), known)))
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}
