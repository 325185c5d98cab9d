package gossip_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
)

// cutPower makes of the file at path, which has one more commit than before, what a power cut during
// that commit may leave. bbolt writes the pages of a commit, which are free ones of the state before,
// and syncs; then it writes one of the two meta pages at the beginning of the file, and syncs.
//
//	pages ── sync ── meta ── sync
//	      │       │       │
//	      │       │       all pages, the old meta or the new
//	      any of the pages, the old meta; the file has its old size or the new
//
// It returns what is left, in words.
func cutPower(path string, before []byte, rng *rand.Rand) (string, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	size := os.Getpagesize()
	grown := len(file) - len(before)
	old := append(bytes.Clone(before), make([]byte, max(grown, 0))...)
	metas := 2 * size
	if rng.IntN(2) == 0 {
		kept := "the new meta page too"
		if rng.IntN(2) == 0 {
			copy(file[:metas], old)
			kept = "the old meta page"
		}
		return "every page, " + kept, os.WriteFile(path, file, 0o600)
	}
	copy(file[:metas], old)
	share := rng.Float64()
	kept, changed := 0, 0
	for at := metas; at < len(file); at += size {
		end := min(at+size, len(file))
		if bytes.Equal(file[at:end], old[at:end]) {
			continue
		}
		changed++
		if rng.Float64() < share {
			kept++
			continue
		}
		copy(file[at:end], old[at:end])
	}
	if kept == 0 && rng.IntN(2) == 0 {
		file = file[:len(before)]
	}
	return fmt.Sprintf("%d of %d pages", kept, changed), os.WriteFile(path, file, 0o600)
}
