package doctor

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/quipulog/quipu/eventlog/storage"
)

// TestMachines says what is found of a machine: its disk, its file system and its limits.
func TestMachines(t *testing.T) {
	const ms = time.Millisecond
	free := bounds{files: unlimited, fileBytes: unlimited, addresses: unlimited, memory: 1 << 30}
	with := func(change func(*bounds)) func(*Chart) {
		b := free
		change(&b)
		return func(c *Chart) { c.judgeBounds("the daemon", b, 3<<30) }
	}
	asked := func(c *Chart) {
		c.config.HTTP = ":1"
		b := free
		b.files = fewFiles
		c.judgeBounds("the daemon", b, 0)
	}
	for name, machine := range map[string]struct {
		judge    func(*Chart)
		severity Severity
		what     string
	}{
		"room":                 {func(c *Chart) { c.judgeRoom(20<<30, 1<<30) }, OK, "20GiB are free; the log's file has 1GiB"},
		"no room for a copy":   {func(c *Chart) { c.judgeRoom(2<<30, 3<<30) }, Warn, "less than the log's file has"},
		"little room":          {func(c *Chart) { c.judgeRoom(leastFree-1, 0) }, Warn, "1023MiB are free"},
		"no room":              {func(c *Chart) { c.judgeRoom(1000, 0) }, Bad, "1000 bytes are free"},
		"a quick disk":         {func(c *Chart) { c.judgeSync(20*time.Microsecond, ms, "ext") }, OK, "after 20µs, the slowest after 1ms"},
		"a disk":               {func(c *Chart) { c.judgeSync(20*ms, 80*ms, "ext") }, OK, "after 20ms"},
		"a slow disk":          {func(c *Chart) { c.judgeSync(51*ms, 80*ms, "ext") }, Warn, "took 51ms and more to be durable, one 80ms"},
		"a disk that lies":     {func(c *Chart) { c.judgeSync(9*time.Microsecond, ms, "ext") }, Warn, "no disk is as quick"},
		"memory":               {func(c *Chart) { c.judgeSync(time.Microsecond, ms, "tmpfs") }, OK, "after 1µs"},
		"ext":                  {func(c *Chart) { c.judgeFileSystem("ext") }, OK, "is known for that"},
		"tmpfs":                {func(c *Chart) { c.judgeFileSystem("tmpfs") }, Warn, "gone when this machine starts anew"},
		"overlay":              {func(c *Chart) { c.judgeFileSystem("overlay") }, Warn, "a container's own files"},
		"nfs":                  {func(c *Chart) { c.judgeFileSystem("nfs") }, Warn, "is not known for one"},
		"one without a name":   {func(c *Chart) { c.judgeFileSystem("0xabc") }, Note, "not known here"},
		"one that is not told": {func(c *Chart) { c.judgeFileSystem(storage.Kind("")) }, Note, "does not tell"},
		"no limits":            {with(func(*bounds) {}), OK, "any number of open files, and files of any size; 1GiB of memory"},
		"few files":            {with(func(b *bounds) { b.files = 256 }), Warn, "256 open files"},
		"few for HTTP":         {asked, Warn, "1024 open files"},
		"small files":          {with(func(b *bounds) { b.fileBytes = 6 << 30 }), Bad, "may write files of 6GiB, and the log's has 3GiB"},
		"few addresses":        {with(func(b *bounds) { b.addresses = 64 << 30 }), Warn, "64GiB of addresses"},
		"many maps":            {with(func(b *bounds) { b.maps, b.mostMaps = 800, 1000 }), Warn, "800 of 1000 maps"},
		"little memory":        {with(func(b *bounds) { b.memory = 100 << 20 }), Warn, "100MiB of memory"},
	} {
		c := new(Chart)
		machine.judge(c)
		if len(c.Findings) != 1 || c.Worst() != machine.severity || !strings.Contains(c.Findings[0].What, machine.what) {
			t.Errorf("%s: found %+v, want %s with %q", name, c.Findings, machine.severity, machine.what)
		}
		if c.Worst() > Note && c.Findings[0].Do == "" {
			t.Errorf("%s: it is not said what to do", name)
		}
	}
}

// TestSyncLeavesNothing in the folder, and measures each write.
func TestSyncLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	took, err := measureSync(dir)
	if err != nil || len(took) != syncs {
		t.Fatalf("%d writes were measured: %v", len(took), err)
	}
	if kind, err := storage.Of(dir); err != nil {
		t.Errorf("the file system is %q: %v", kind, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}
