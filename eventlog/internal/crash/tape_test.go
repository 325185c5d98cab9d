package crash

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// sector is what a disk writes as a whole, in bytes.
const sector = 512

// tape writes down the calls that change what is in a folder, in their order, and makes from them what a power cut
// may leave. The calls happen, but for syncs. A file is known by its inode, which stays: each has a link beside the
// folder, and whatever a cut leaves of it is written into it in place. So it is the file that it was.
type tape struct {
	testing.TB
	folder, links string

	mu sync.Mutex
	// The fields below are guarded by mu while it is recorded.

	files  []*taped
	events []event
}

// taped is a file that there was at some time.
type taped struct {
	link string
	info os.FileInfo
}

// event is a call that has succeeded.
type event struct {
	do       string
	file     *taped // nil for a sync of the folder
	offset   int64  // of what is written
	bytes    []byte
	size     int64  // after a truncation
	name, to string // of what is created, linked, renamed and removed
}

func newTape(tb testing.TB, folder, links string) *tape {
	must(tb, os.Mkdir(links, 0o700))
	return &tape{TB: tb, folder: folder, links: links}
}

// watch is the tape's [sys.Watcher].
func (t *tape) watch(c *sys.Call, do func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := event{do: c.Do, offset: c.Offset, bytes: slices.Clone(c.Bytes), size: c.Size, name: filepath.Base(c.Path), to: filepath.Base(c.To)}
	if c.Do == sys.ToSync {
		if c.Path != t.folder {
			e.file = t.fileOf(c.File)
		}
		t.events = append(t.events, e)
		return nil
	}
	if err := do(); err != nil {
		return err
	}
	switch c.Do {
	case sys.ToCreate:
		e.name = filepath.Base(c.File.Name())
		e.file = t.fileOf(c.File)
	case sys.ToWrite, sys.ToTruncate:
		if e.file = t.fileOf(c.File); c.Part == sys.Layout {
			var err error
			e.bytes, err = os.ReadFile(c.Path)
			must(t, err)
		}
	}
	t.events = append(t.events, e)
	return nil
}

// fileOf returns the file that is open, which may be a new one.
func (t *tape) fileOf(open *os.File) *taped {
	info, err := open.Stat()
	must(t, err)
	for _, f := range t.files {
		if os.SameFile(f.info, info) {
			return f
		}
	}
	f := &taped{link: filepath.Join(t.links, strconv.Itoa(len(t.files))), info: info}
	must(t, os.Link(open.Name(), f.link))
	t.files = append(t.files, f)
	return f
}

// position returns how many events there are so far.
func (t *tape) position() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.events)
}

// cut leaves in the folder what a power cut before event at may leave: all that was synced by then, and of the rest
// what r draws.
func (t *tape) cut(at int, r *rand.Rand) {
	t.Helper()
	entries, err := os.ReadDir(t.folder)
	must(t, err)
	for _, e := range entries {
		must(t, os.Remove(filepath.Join(t.folder, e.Name())))
	}
	for name, f := range t.names(at, r) {
		must(t, os.WriteFile(f.link, t.content(f, at, r), 0o600))
		must(t, os.Link(f.link, filepath.Join(t.folder, name)))
	}
}

// names returns what the files in the folder are called: as at its last sync, and after some of the changes since,
// which come in their order.
func (t *tape) names(at int, r *rand.Rand) map[string]*taped {
	isName := func(e event) bool {
		return e.do == sys.ToCreate || e.do == sys.ToLink || e.do == sys.ToRename || e.do == sys.ToRemove
	}
	synced, pending := 0, 0
	for i, e := range t.events[:at] {
		if e.do == sys.ToSync && e.file == nil {
			synced, pending = i, 0
		} else if isName(e) {
			pending++
		}
	}
	take := r.IntN(pending + 1)
	names := make(map[string]*taped)
	for i, e := range t.events[:at] {
		if !isName(e) {
			continue
		}
		if i > synced {
			if take--; take < 0 {
				break
			}
		}
		switch e.do {
		case sys.ToCreate:
			names[e.name] = e.file
		case sys.ToLink:
			names[e.to] = names[e.name]
		case sys.ToRename:
			names[e.to] = names[e.name]
			delete(names, e.name)
		case sys.ToRemove:
			delete(names, e.name)
		}
	}
	return names
}

// content returns what a file holds: what was synced, and of the writes since then what r draws: none, all, some, or
// some sectors of them, in any order.
func (t *tape) content(f *taped, at int, r *rand.Rand) []byte {
	var content []byte
	var pending []event
	for _, e := range t.events[:at] {
		switch {
		case e.file != f:
		case e.do == sys.ToSync:
			for _, p := range pending {
				content = p.onto(content)
			}
			pending = nil
		case e.do == sys.ToWrite, e.do == sys.ToTruncate:
			pending = append(pending, e)
		}
	}
	kept := 1.0
	switch how := r.IntN(5); how {
	case 0:
		return content
	case 1:
	case 2, 3:
		pending = torn(pending)
		fallthrough
	default:
		kept = r.Float64()
		r.Shuffle(len(pending), func(i, j int) { pending[i], pending[j] = pending[j], pending[i] })
	}
	for _, p := range pending {
		if r.Float64() < kept {
			content = p.onto(content)
		}
	}
	return content
}

// torn returns writes as those of their sectors.
func torn(writes []event) (sectors []event) {
	for _, w := range writes {
		for len(w.bytes) > sector {
			first := w
			first.bytes = w.bytes[:sector]
			sectors = append(sectors, first)
			w.bytes, w.offset = w.bytes[sector:], w.offset+sector
		}
		sectors = append(sectors, w)
	}
	return sectors
}

// onto returns content after the event. A truncation makes a file longer here: that writes come before it, and behind
// its end, is a matter of order.
func (e event) onto(content []byte) []byte {
	end := max(e.size, e.offset+int64(len(e.bytes)))
	if grow := end - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	copy(content[e.offset:], e.bytes)
	return content
}
