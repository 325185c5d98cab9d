package page

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/negotiate"
)

// Handler returns a handler that answers with the files of the page to who reads their paths, refuses who calls these with
// another method, and passes on to next what else is asked.
func Handler(next http.Handler) http.Handler { return handler(files(), next) }

func handler(all map[string]*file, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := all[r.URL.Path]
		switch {
		case f == nil:
			next.ServeHTTP(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			refuse(w, r)
		default:
			f.serve(w, r)
		}
	})
}

// refuse answers a call of a file with a method that it does not have, as the API does for its routes.
func refuse(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	err := &api.Error{Code: api.WrongMethod, Message: "no route " + strings.ToValidUTF8(r.Method+" "+r.URL.Path, "?") + ": expected GET or HEAD"}
	err.Answer(w)
}

// serve sends the file, compressed where the client takes that, or says that the client has it.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	sent := f.plain
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if negotiate.Preferred(r.Header.Values("Accept-Encoding"), "identity", "gzip") == "gzip" {
		if zipped := f.zipped(); zipped != nil {
			sent = *zipped
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", sent.tag)
	h.Set("Cache-Control", f.cache)
	h.Set("Content-Security-Policy", f.policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", f.media)
	if has(r.Header.Values("If-None-Match"), sent.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(sent.body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(sent.body) // the client has left, or takes it
	}
}

// has reports whether a header If-None-Match names a tag. The comparison is the weak one, by RFC 9110.
func has(tags []string, tag string) bool {
	return slices.ContainsFunc(strings.Split(strings.Join(tags, ","), ","), func(one string) bool {
		one = strings.TrimSpace(one)
		return one == "*" || strings.TrimPrefix(one, "W/") == tag
	})
}
