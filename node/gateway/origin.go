package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/quipulog/quipu/node/api"
)

// preflightFor is how many seconds a browser may remember what a page may ask.
const preflightFor = "600"

// parseOrigin returns an origin in the form in which browsers send it.
func parseOrigin(text string) (string, error) {
	u, err := url.Parse(text)
	if err == nil {
		_, named := parseHost(u.Host)
		if u.Scheme != "http" && u.Scheme != "https" || !named || u.User != nil || strings.ToLower(text) != u.Scheme+"://"+strings.ToLower(u.Host) {
			err = errors.New("another form")
		}
	}
	if err != nil {
		return "", fmt.Errorf("%q: expected SCHEME://HOST or SCHEME://HOST:PORT as browsers send it, such as https://app.example", text)
	}
	origin := strings.ToLower(text)
	if u.Scheme == "http" {
		return strings.TrimSuffix(origin, ":80"), nil
	}
	return strings.TrimSuffix(origin, ":443"), nil
}

// allowOrigin says whether the page may ask that a request comes from, if it comes from one. It answers by itself what a
// browser asks beforehand.
func (g *Gateway) allowOrigin(w http.ResponseWriter, r *http.Request) (answered bool, refused *api.Error) {
	from, sent := r.Header["Origin"]
	if !sent {
		return false, nil
	}
	origin, err := parseOrigin(strings.Join(from, ", "))
	if err != nil || !slices.Contains(g.origins, origin) {
		own := "://" + strings.ToLower(r.Host)
		if err == nil && (origin == g.scheme+own || g.fronted && origin == "https"+own) {
			return false, nil
		}
		return false, &api.Error{Code: api.CrossOrigin, Message: fmt.Sprintf("a page of %.100q may not ask this node: expected one of its own, or of an origin that --http-origin names", strings.Join(from, ", "))}
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", from[0])
	h.Add("Vary", "Origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Set("Access-Control-Expose-Headers", api.RequestHeader+", Retry-After, WWW-Authenticate")
		return false, nil
	}
	// What a page may send is its own affair: no cookie goes with it, and a token only where the page has one.
	h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
	if asked := r.Header.Values("Access-Control-Request-Headers"); asked != nil {
		h.Set("Access-Control-Allow-Headers", strings.Join(asked, ", "))
	}
	h.Set("Access-Control-Max-Age", preflightFor)
	w.WriteHeader(http.StatusNoContent)
	return true, nil
}
