package crash

import (
	"cmp"
	"os"
	"syscall"

	"github.com/quipulog/quipu/eventlog/internal/sys"
)

// fault is what goes wrong at a step.
type fault struct {
	column string
	// hits reports whether a call can go wrong like that.
	hits func(c *sys.Call) bool
	// strike has a step go wrong, and returns what its caller is told. The disk is locked.
	strike func(d *disk, c *sys.Call) error
	kills  bool // the process is gone
	lasts  bool // so does every step from then on, until the log is opened anew
}

// faults are the columns of the table; some have two ways to go wrong.
var faults = []fault{
	{column: "SIGKILL", hits: anyCall, strike: lasting(errDead, nothing), kills: true, lasts: true},
	{column: "SIGKILL", hits: aWrite, strike: lasting(errDead, half), kills: true, lasts: true},
	{column: "EIO", hits: anyCall, strike: once(syscall.EIO, nothing)},
	{column: "EIO from then on", hits: anyCall, strike: lasting(syscall.EIO, nothing), lasts: true},
	{column: "ENOSPC", hits: takesRoom, strike: once(syscall.ENOSPC, nothing)},
	{column: "ENOSPC from then on", hits: takesRoom, strike: lasting(syscall.ENOSPC, nothing), lasts: true},
	{column: "short write", hits: aWrite, strike: once(syscall.ENOSPC, half)},
	{column: "failed sync", hits: aSync, strike: once(syscall.EIO, nothing)},
	{column: "failed sync", hits: aSync, strike: once(syscall.EIO, lost)},
}

func anyCall(*sys.Call) bool     { return true }
func aWrite(c *sys.Call) bool    { return c.Do == sys.ToWrite && len(c.Bytes) > 0 }
func aSync(c *sys.Call) bool     { return c.Do == sys.ToSync }
func takesRoom(c *sys.Call) bool { return c.Do != sys.ToRemove }

// once fails a step with a number, after something has happened all the same.
func once(number syscall.Errno, happens func(*disk, *sys.Call) error) func(*disk, *sys.Call) error {
	return func(d *disk, c *sys.Call) error { return cmp.Or(happens(d, c), error(number)) }
}

// lasting is once, and every step that follows fails with that number and changes nothing.
func lasting(number syscall.Errno, happens func(*disk, *sys.Call) error) func(*disk, *sys.Call) error {
	return func(d *disk, c *sys.Call) error {
		d.lasting = number
		return cmp.Or(happens(d, c), d.lasting)
	}
}

// nothing happens.
func nothing(*disk, *sys.Call) error { return nil }

// half of what was to be written is.
func half(d *disk, c *sys.Call) error {
	d.remember(c)
	_, err := c.File.WriteAt(c.Bytes[:len(c.Bytes)/2], c.Offset)
	return err
}

// lost is what was written since the last sync: the kernel drops what it could not write, and the next sync succeeds.
func lost(d *disk, c *sys.Call) error { return d.lose(c.Path) }

// dies ends this process at a step, for the child of a test.
func dies(*disk, *sys.Call) error {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		return err
	}
	select {}
}
