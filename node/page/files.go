package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed dist
var built embed.FS

const (
	indexFile   = "index.html"
	offlineFile = "offline.html"
)

// policy is what a browser lets the page do: run its own scripts, have its own style, and ask its own node. Nobody frames
// it, and what stands in an entry is never more than text.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// types are the media types of the files, by how their names end. The tables of the system are not asked.
var types = map[string]string{
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".png":   "image/png",
	".woff2": "font/woff2",
	".json":  "application/json",
	".md":    "text/plain; charset=utf-8",
}

// file is one file of the page, as it is sent.
type file struct {
	media string
	// policy is what the browser lets it do, cache how long the browser may keep it.
	policy, cache string
	plain         form
	zipped        func() *form // nil where it is no shorter
}

// form is the bytes of a file, compressed or not, and the tag that names them.
type form struct {
	body []byte
	tag  string
}

// files returns the files of the page by their paths.
var files = sync.OnceValue(func() map[string]*file {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		panic(err) // it is embedded
	}
	return filesOf(dist)
})

// filesOf returns the files of a page that was built, by their paths.
func filesOf(dist fs.FS) map[string]*file {
	all := make(map[string]*file)
	err := fs.WalkDir(dist, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := fs.ReadFile(dist, name)
		all["/"+name] = newFile(name, body)
		return err
	})
	if err != nil {
		panic(err) // what is embedded can be read
	}
	if index := all["/"+indexFile]; index != nil {
		all["/"] = index
	}
	return all
}

func newFile(name string, body []byte) *file {
	f := &file{media: types[path.Ext(name)], policy: policy, cache: "no-cache", plain: formOf(body)}
	f.zipped = sync.OnceValue(func() *form { return zip(body) }) // when somebody asks for it, since a node is to start at once
	if f.media == "" {
		f.media = "application/octet-stream"
	}
	if strings.HasPrefix(name, "assets/") {
		f.cache = "public, max-age=31536000, immutable" // its name has a hash of what it holds
	}
	if name == offlineFile {
		f.policy = policyIn(string(body))
	}
	return f
}

// zip returns the compressed form of a file; nil where it is no shorter.
func zip(body []byte) *form {
	var zipped bytes.Buffer
	w, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // which is a level
	_, _ = w.Write(body)                                       // into memory
	_ = w.Close()
	if zipped.Len() >= len(body) {
		return nil
	}
	f := formOf(zipped.Bytes())
	return &f
}

// formOf returns bytes with a strong entity tag.
func formOf(b []byte) form {
	sum := sha256.Sum256(b)
	return form{b, `"` + hex.EncodeToString(sum[:16]) + `"`}
}

// policyIn returns the policy of a document that stands alone, as it has it in an element of its own: with the hashes of its
// script and style, which are inside it. A document without one gets that of the page.
func policyIn(document string) string {
	_, rest, found := strings.Cut(document, `http-equiv="Content-Security-Policy"`)
	if !found {
		return policy
	}
	rest, _, _ = strings.Cut(rest, ">")
	_, rest, _ = strings.Cut(rest, `content="`)
	own, _, found := strings.Cut(rest, `"`)
	if !found {
		return policy
	}
	return strings.TrimSuffix(strings.TrimSpace(html.UnescapeString(own)), ";") + "; frame-ancestors 'none'"
}
