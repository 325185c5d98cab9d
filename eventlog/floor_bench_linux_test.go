package eventlog_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// BenchmarkFloor measures what no durable append can do without: two writes of a page, each followed by
// fdatasync, as a commit of bbolt makes them. Read BenchmarkAppend against it, in the same run: with
// one writer a commit is one append.
func BenchmarkFloor(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const pages = 1024
	if err := f.Truncate(pages * 4096); err != nil {
		b.Fatal(err)
	}
	page := make([]byte, 4096)
	for i := 0; b.Loop(); i++ {
		for _, at := range []int{2 + i%(pages-2), i % 2} {
			page[0]++
			if _, err := f.WriteAt(page, int64(at)*4096); err != nil {
				b.Fatal(err)
			}
			if err := syscall.Fdatasync(int(f.Fd())); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
