package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// errDead is what a process that was killed is told by the system, were it there to be told.
var errDead = syscall.ENXIO

// disk numbers the calls that change what is in a folder and has one of them go wrong. What does not go wrong happens,
// but for syncs, which only count: a process that dies loses nothing that it has given to the kernel.
type disk struct {
	folder  string
	told    func(number int, c *sys.Call) // of each step; nil for nobody
	noLinks bool                          // the file system has none
	fired   func()                        // called once, when the fault is one that lasts; without locks

	mu sync.Mutex
	// The fields below are guarded by mu.

	fault           *fault // nil: nothing goes wrong
	column          string // of the fault, once there was one
	at              int    // number of the step that goes wrong
	counts          bool
	steps           int
	name            string            // of the step that went wrong; "" before it has
	lasting         error             // of all steps since then
	failsSync, full bool              // see failNextSync and noRoomFor
	named           string            // the file that was given its name last
	unsynced        map[string][]undo // by file: what a sync that fails may lose
}

// undo takes back a write.
type undo struct {
	file   *os.File
	offset int64
	was    []byte
	size   int64
}

// String says which step goes wrong, and how; "" where none does.
func (d *disk) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.column == "" {
		return ""
	}
	return fmt.Sprintf(", %s at step %d, %s", d.column, d.at, d.name)
}

// watch is the disk's [sys.Watcher].
func (d *disk) watch(c *sys.Call, do func() error) error {
	err, lasts := d.take(c, do)
	if lasts {
		d.fired()
	}
	return err
}

// take takes a step. It reports whether it was the first of those that fail from then on.
func (d *disk) take(c *sys.Call, do func() error) (err error, lasts bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !strings.HasPrefix(c.Path, d.folder) {
		return d.happens(c, do), false
	}
	if d.lasting != nil {
		return failed(c, d.lasting), false
	}
	if d.noLinks && c.Do == sys.ToLink {
		return failed(c, syscall.EPERM), false // which changes nothing, and so is no step
	}
	switch {
	case d.failsSync && c.Do == sys.ToSync:
		d.failsSync, d.counts = false, true
		return failed(c, syscall.EIO), false
	case d.full && takesRoom(c):
		return failed(c, syscall.ENOSPC), false
	case d.counts:
		d.steps++
		if d.told != nil {
			d.told(d.steps, c)
		}
	}
	if !d.counts || d.fault == nil || d.name != "" || d.steps != d.at {
		return d.happens(c, do), false
	}
	if !d.fault.hits(c) {
		d.fault = nil // there is no such cell
		return d.happens(c, do), false
	}
	d.name, d.column = d.nameOf(c), d.fault.column
	err = d.fault.strike(d, c)
	return failed(c, err), d.lasting != nil
}

// happens takes a step that does not fail.
func (d *disk) happens(c *sys.Call, do func() error) error {
	switch c.Do {
	case sys.ToRename, sys.ToLink:
		d.named = drawn.ReplaceAllString(filepath.Base(c.To), "-*")
	case sys.ToSync:
		delete(d.unsynced, c.Path)
		return nil
	case sys.ToWrite, sys.ToTruncate:
		d.remember(c)
	}
	return do()
}

// remember keeps what a step changes, for a sync that fails.
func (d *disk) remember(c *sys.Call) {
	info, err := c.File.Stat()
	if err != nil {
		return
	}
	u := undo{file: c.File, offset: c.Offset, was: make([]byte, len(c.Bytes)), size: info.Size()}
	n, _ := c.File.ReadAt(u.was, c.Offset)
	u.was = u.was[:n]
	if d.unsynced == nil {
		d.unsynced = make(map[string][]undo)
	}
	d.unsynced[c.Path] = append(d.unsynced[c.Path], u)
}

// lose takes back what was written to a file since its last sync.
func (d *disk) lose(path string) error {
	all := d.unsynced[path]
	delete(d.unsynced, path)
	for i := len(all) - 1; i >= 0; i-- {
		u := all[i]
		if _, err := u.file.WriteAt(u.was, u.offset); err != nil {
			return err
		}
		if err := u.file.Truncate(u.size); err != nil {
			return err
		}
	}
	return nil
}

// failNextSync fails the next sync, and has steps numbered from then on.
func (d *disk) failNextSync() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts, d.failsSync = false, true
}

// noRoomFor fails what takes room while do runs.
func (d *disk) noRoomFor(do func()) {
	d.mu.Lock()
	d.full = true
	d.mu.Unlock()
	do()
	d.mu.Lock()
	d.full = false
	d.mu.Unlock()
}

// count has steps numbered from now on, or no longer.
func (d *disk) count(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts = on
}

// struck returns the name of the step that went wrong; "" if none has.
func (d *disk) struck() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.name
}

// heal ends what goes wrong.
func (d *disk) heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.lasting, d.counts = nil, nil, false
}

// failed returns how a call fails with err, as package os says it and bbolt.
func failed(c *sys.Call, err error) error {
	if err == nil {
		return nil
	}
	switch c.Do {
	case sys.ToSync:
		return err
	case sys.ToRename, sys.ToLink:
		return &os.LinkError{Op: c.Do, Old: c.Path, New: c.To, Err: err}
	case sys.ToMake:
		return &os.PathError{Op: "mkdir", Path: c.Path, Err: err}
	case sys.ToCreate:
		return &os.PathError{Op: "open", Path: c.Path, Err: err}
	}
	return &os.PathError{Op: c.Do, Path: c.Path, Err: err}
}

// drawn is what is drawn at random of a file's name.
var drawn = regexp.MustCompile(`-[0-9TZ]+$`)

// isLog are the names of files of bbolt's.
var isLog = regexp.MustCompile(`quipu\.db(\.salvaged)?(\.new-\*|\.compact-\*)?$`)

// nameOf names a step for the table: what is done, and to which file.
func (d *disk) nameOf(c *sys.Call) string {
	file := d.fileOf(c.Path)
	switch {
	case c.Do == sys.ToRename || c.Do == sys.ToLink:
		return fmt.Sprintf("%s %s to %s", c.Do, file, d.fileOf(c.To))
	case c.Do == sys.ToTruncate:
		return "lengthen " + file
	case c.Do == sys.ToSync && c.Path == d.folder:
		return "sync the folder for " + d.named
	case c.Do == sys.ToWrite && c.Part == "" && isLog.MatchString(file):
		return "write ahead in " + file
	case c.Part != "":
		return fmt.Sprintf("%s %s of %s", c.Do, c.Part, file)
	}
	return c.Do + " " + file
}

// fileOf returns the name of a file without what is drawn at random for it. A copy that has taken the log's place goes
// on under the name that it was opened by.
func (d *disk) fileOf(path string) string {
	name := filepath.Base(path)
	if in := filepath.Base(filepath.Dir(path)); in == "quipu.restoring" {
		name = in + "/" + name
	}
	if !drawn.MatchString(name) {
		return name
	}
	if _, err := os.Lstat(path); err != nil && strings.Contains(name, ".compact-") {
		return "quipu.db"
	}
	return drawn.ReplaceAllString(name, "-*")
}
