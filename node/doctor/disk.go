package doctor

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/quipulog/quipu/eventlog/storage"
	"github.com/quipulog/quipu/eventlog/whole"
	"github.com/quipulog/quipu/node/size"
)

const (
	// leastFree is how much of a disk is free at least where nothing is said, littleFree where somebody must act.
	leastFree, littleFree = 1 << 30, 64 << 20
	// syncs are how often a small write is made durable to see how long that takes.
	syncs = 32
	// slowSync is what a disk that does nothing else takes at most, however slow it is; quickSync what none can do that
	// keeps what it is given.
	slowSync, quickSync = 50 * time.Millisecond, 10 * time.Microsecond
	// wroteEach is the size of such a write: a page.
	wroteEach = 4 << 10
)

// lookAtDisk says how much room there is. A compaction makes a copy of the file, and so does a repair.
func (c *Chart) lookAtDisk() {
	free, err := whole.Free(string(c.Folder))
	if err != nil {
		c.find(Note, "", "how much is free cannot be told: %v", err)
		return
	}
	c.judgeRoom(free, c.fileBytes())
}

func (c *Chart) judgeRoom(free, file uint64) {
	switch rough := roughly(free); {
	case free < littleFree:
		c.find(Bad, "make room: a node without room takes nothing until there is some", "%s are free", rough)
	case free < leastFree:
		c.find(Warn, "make room, or see \"quipu help trim\" and \"quipu help compact\"", "%s are free", rough)
	case free < file:
		c.find(Warn, "make room before you compact or repair: either makes a copy of the file first", "%s are free, less than the log's file has (%s)", rough, roughly(file))
	default:
		c.find(OK, "", "%s are free; the log's file has %s", rough, roughly(file))
	}
}

// roughly returns an amount of bytes in three digits or so.
func roughly(n uint64) string {
	for _, unit := range []uint64{1 << 40, 1 << 30, 1 << 20, 1 << 10} {
		if n >= 10*unit {
			return size.Size(n / unit * unit).String()
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// lookAtSync measures how long the disk takes to keep a page.
func (c *Chart) lookAtSync() {
	took, err := measureSync(string(c.Folder))
	if err != nil {
		c.find(Note, "", "not measured: %v", err)
		return
	}
	slices.Sort(took)
	c.judgeSync(took[len(took)/2], took[len(took)-1], c.fileSystem())
}

func (c *Chart) judgeSync(median, most time.Duration, on storage.Kind) {
	switch {
	case median > slowSync:
		c.find(Warn, "look what else keeps the disk busy; each append that nobody shares waits as long", "half of %d writes took %s and more to be durable, one %s", syncs, show(median), show(most))
	case median < quickSync && !on.Volatile(): // else the next check says so
		c.find(Warn, "find out whether it outlives a power cut: the cache of a controller or of a virtual machine", "writes are durable after %s, as they say: no disk is as quick", show(median))
	default:
		c.find(OK, "", "half of %d writes were durable after %s, the slowest after %s", syncs, show(median), show(most))
	}
}

// show returns a time without what nobody needs of it.
func show(d time.Duration) time.Duration {
	if d > time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(100 * time.Nanosecond)
}

// measureSync returns how long writes to a new file in dir took to be durable. Where the system lets it, the file loses its
// name first, so that nothing is left of it whatever happens.
func measureSync(dir string) (took []time.Duration, err error) {
	file, err := os.CreateTemp(dir, "quipu.doctor-*")
	if err != nil {
		return nil, err
	}
	nameless := os.Remove(file.Name()) == nil
	defer func() {
		err = errors.Join(err, file.Close())
		if !nameless {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	page := make([]byte, wroteEach)
	for range syncs {
		begun := time.Now()
		if _, err := file.Write(page); err != nil {
			return nil, err
		}
		if err := datasync(file); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begun))
	}
	return took, nil
}

// fileSystem returns the kind of that which the folder is on, "" where that is not told.
func (c *Chart) fileSystem() storage.Kind {
	kind, err := storage.Of(c.Folder.Log())
	if err != nil {
		kind, _ = storage.Of(string(c.Folder)) // nor can that be told then
	}
	return kind
}

func (c *Chart) lookAtFileSystem() { c.judgeFileSystem(c.fileSystem()) }

// judgeFileSystem says what the file system means for a log that has to know whether it is a copy.
func (c *Chart) judgeFileSystem(kind storage.Kind) {
	switch {
	case kind == "":
		c.find(Note, "", "this system does not tell what kind it is")
	case kind.Volatile():
		c.find(Warn, "a folder on a disk, unless the log is to be gone with the machine", "%s: all of it is gone when this machine starts anew", kind)
	case kind == "overlay":
		c.find(Warn, "a volume for the folder", "overlay: a container's own files are gone when it is made anew; after each restart the node asks another one where its feed ends, for 5 s at most")
	case kind.Forgets():
		c.find(Warn, "a disk of this machine: the file is locked and mapped, which not every such file system does as it should", "%s: a copy of this folder is not known for one; after each mount the node asks another one where its feed ends, for 5 s at most", kind)
	case kind.Keeps():
		c.find(OK, "", "%s: a copy of this folder, or one that was put back, is known for that before anything is appended", kind)
	default:
		c.find(Note, "", "%s: not known here, so a copy of this folder may not be known for one until the file has outlived a start of the machine", kind)
	}
}
