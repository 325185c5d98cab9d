package page

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/quipulog/quipu/node/api"
)

const script = "console.log('knots'); console.log('knots'); console.log('knots'); console.log('knots'); console.log('knots')"

// newPage returns the handler of a page that a test makes up, before one that answers 418.
func newPage() http.Handler {
	dist := fstest.MapFS{
		"index.html":            {Data: []byte("<!doctype html><title>quipu</title>")},
		"knot.svg":              {Data: []byte("<svg/>")},
		"assets/main-Ab12.js":   {Data: []byte(script)},
		"assets/style-Cd34.css": {Data: []byte("a{}")},
		"offline.html": {Data: []byte(`<!doctype html><meta
			content="default-src 'none'; script-src &#39;sha256-abc=&#39;; connect-src 'none';" http-equiv="x"><meta http-equiv="Content-Security-Policy"
			content="default-src 'none'; script-src &#39;sha256-def=&#39;; connect-src 'none';"><script>1</script>`)},
	}
	return handler(filesOf(dist), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
}

func ask(t *testing.T, h http.Handler, method, target string, head ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(head); i += 2 {
		r.Header.Add(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// TestFilesAreServed: what is in the page is answered with its type, its policy and how long it may be kept; all else is the
// next handler's, hidden files too.
func TestFilesAreServed(t *testing.T) {
	h := newPage()
	for target, want := range map[string][2]string{
		"/":                      {"text/html; charset=utf-8", "no-cache"},
		"/?x=1":                  {"text/html; charset=utf-8", "no-cache"},
		"/index.html":            {"text/html; charset=utf-8", "no-cache"},
		"/offline.html":          {"text/html; charset=utf-8", "no-cache"},
		"/knot.svg":              {"image/svg+xml", "no-cache"},
		"/assets/main-Ab12.js":   {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/style-Cd34.css": {"text/css; charset=utf-8", "public, max-age=31536000, immutable"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			got := ask(t, h, method, target)
			body, err := io.ReadAll(got.Body)
			if err != nil || got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != want[0] || got.Header.Get("Cache-Control") != want[1] {
				t.Errorf("%s %s: %d, %v, %v", method, target, got.StatusCode, got.Header, err)
			}
			if (len(body) == 0) != (method == http.MethodHead) || got.ContentLength < 3 {
				t.Errorf("%s %s: %d bytes came of %d", method, target, len(body), got.ContentLength)
			}
			for _, name := range []string{"Content-Security-Policy", "ETag", "X-Content-Type-Options", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy"} {
				if got.Header.Get(name) == "" {
					t.Errorf("%s: no header %s", target, name)
				}
			}
		}
	}
	for _, one := range [][2]string{
		{"GET", "/v1/status"}, {"GET", "/assets"}, {"GET", "/assets/"}, {"GET", "/assets/../index.html"}, {"GET", "//"}, {"POST", "/v1/entries"}, {"POST", "/assets"},
	} {
		if got := ask(t, h, one[0], one[1]); got.StatusCode != http.StatusTeapot {
			t.Errorf("%s %s: %d, expected the next handler's answer", one[0], one[1], got.StatusCode)
		}
	}
}

// TestFilesAreOnlyRead: every file that the program was built with is told to be for reading alone to who calls it in
// another way, in the words of the API.
func TestFilesAreOnlyRead(t *testing.T) {
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the next handler was asked") })
	for target := range files() {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
			got := ask(t, Handler(next), method, target)
			var told api.Error
			err := json.NewDecoder(got.Body).Decode(&told)
			if err != nil || got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" || told.Code != api.WrongMethod {
				t.Errorf("%s %s: %d, %v, %+v, %v", method, target, got.StatusCode, got.Header, told, err)
			}
		}
	}
}

// TestPolicies: the page runs its own scripts alone and asks its own node alone; the file that stands alone has the policy
// that is in it, and asks nobody.
func TestPolicies(t *testing.T) {
	h := newPage()
	page := ask(t, h, "GET", "/").Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q lacks %s", page, want)
		}
	}
	alone := ask(t, h, "GET", "/offline.html").Header.Get("Content-Security-Policy")
	if want := "default-src 'none'; script-src 'sha256-def='; connect-src 'none'; frame-ancestors 'none'"; alone != want {
		t.Errorf("the policy of the file that stands alone is %q, want %q", alone, want)
	}
	for _, p := range []string{page, alone} {
		if strings.Contains(p, "unsafe") || strings.Contains(p, "*") {
			t.Errorf("%q lets anything in", p)
		}
	}
	if got := policyIn("<!doctype html><script>1</script>"); got != policy {
		t.Errorf("a document without a policy gets %q", got)
	}
}

// TestCompressedOnce: who takes gzip gets it, under a tag of its own; a tag that the client has is answered without a body.
func TestCompressedOnce(t *testing.T) {
	h := newPage()
	const target = "/assets/main-Ab12.js"
	plain := ask(t, h, "GET", target)
	body, _ := io.ReadAll(plain.Body)
	if string(body) != script || plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%q, %v", body, plain.Header)
	}
	tags := map[string]bool{plain.Header.Get("ETag"): true}
	for _, takes := range []string{"gzip", "br, GZIP;q=0.5", "zstd;q=1, gzip; q=0.1"} {
		got := ask(t, h, "GET", target, "Accept-Encoding", takes)
		zipped, _ := io.ReadAll(got.Body)
		r, err := gzip.NewReader(bytes.NewReader(zipped))
		if err != nil || got.Header.Get("Content-Encoding") != "gzip" || len(zipped) >= len(script) {
			t.Fatalf("%s: %v, %d bytes, %v", takes, got.Header, len(zipped), err)
		}
		if body, err := io.ReadAll(r); err != nil || string(body) != script {
			t.Errorf("%s: %q, %v", takes, body, err)
		}
		tags[got.Header.Get("ETag")] = true
	}
	if len(tags) != 2 {
		t.Errorf("the tags are %v, expected one for each form", tags)
	}
	for _, refuses := range []string{"", "br", "gzip;q=0", "gzip; q=0.000", "xgzip"} {
		if got := ask(t, h, "GET", target, "Accept-Encoding", refuses); got.Header.Get("Content-Encoding") != "" {
			t.Errorf("%q got %s", refuses, got.Header.Get("Content-Encoding"))
		}
	}
	for _, known := range []string{plain.Header.Get("ETag"), `"x", W/` + plain.Header.Get("ETag"), "*"} {
		got := ask(t, h, "GET", target, "If-None-Match", known)
		if body, _ := io.ReadAll(got.Body); got.StatusCode != http.StatusNotModified || len(body) > 0 || got.Header.Get("ETag") == "" {
			t.Errorf("%s: %d with %d bytes", known, got.StatusCode, len(body))
		}
	}
	if got := ask(t, h, "GET", target, "If-None-Match", `"x"`); got.StatusCode != http.StatusOK {
		t.Errorf("another tag: %d", got.StatusCode)
	}
	if got := ask(t, h, "GET", "/assets/style-Cd34.css", "Accept-Encoding", "gzip"); got.Header.Get("Content-Encoding") != "" {
		t.Error("what does not get shorter was compressed")
	}
}

// TestWhatIsBuiltIsServed holds what this program was built with: every file has a type, the page and the file that stands
// alone are there, and all that the page loads is less than 120 KB.
func TestWhatIsBuiltIsServed(t *testing.T) {
	h, bytes := Handler(http.NotFoundHandler()), 0
	for name := range files() {
		if name != "/" && types[path.Ext(name)] == "" {
			t.Errorf("%s: no media type is known of such files", name)
		}
		if name == "/" || strings.HasPrefix(name, "/assets/") {
			body, err := io.ReadAll(ask(t, h, "GET", name, "Accept-Encoding", "gzip").Body)
			if err != nil {
				t.Fatal(err)
			}
			bytes += len(body)
		}
	}
	t.Logf("%d bytes", bytes)
	if bytes > 120<<10 {
		t.Errorf("the page loads %d bytes, expected at most %d", bytes, 120<<10)
	}
	for _, name := range []string{"/", "/" + offlineFile} {
		if code := ask(t, h, "GET", name).StatusCode; code != http.StatusOK {
			t.Errorf("GET %s: %d", name, code)
		}
	}
}
