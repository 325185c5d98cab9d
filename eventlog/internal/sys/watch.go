package sys

import (
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Watcher is told of a call instead of the system, and returns what the caller is told. Calling do makes the call.
// Several goroutines call it at once.
type Watcher func(c *Call, do func() error) error

// watching is who watches below which folder. It is nil while nobody does, and never changed: a new one takes its place.
var (
	watching  atomic.Pointer[map[string]Watcher]
	installMu sync.Mutex // of those who install
)

// Watch has w told of all calls for files below dir, and for dir itself, until stop is called. It is for tests. A dir
// has one watcher; of two for folders that lie in each other the inner one is told.
func Watch(dir string, w Watcher) (stop func()) {
	install(dir, w)
	return func() { install(dir, nil) }
}

// install puts w in the place of what watches below dir; nil for nobody.
func install(dir string, w Watcher) {
	installMu.Lock()
	defer installMu.Unlock()
	all := make(map[string]Watcher)
	if was := watching.Load(); was != nil {
		for d, w := range *was {
			all[d] = w
		}
	}
	if all[dir] = w; w == nil {
		delete(all, dir)
	}
	if len(all) == 0 {
		watching.Store(nil)
		return
	}
	watching.Store(&all)
}

// Watched reports whether somebody watches a file.
func Watched(path string) bool { return of(path) != nil }

// of returns who watches a file; nil for nobody.
func of(path string) Watcher {
	all := watching.Load()
	if all == nil {
		return nil
	}
	for {
		if w := (*all)[path]; w != nil {
			return w
		}
		above := filepath.Dir(path)
		if above == path {
			return nil
		}
		path = above
	}
}

// Take makes a call by do, or has the watcher of its file make it.
func Take(c *Call, do func() error) error {
	if w := of(c.Path); w != nil {
		return w(c, do)
	}
	return do()
}
