package eventlog

import (
	"testing"

	"github.com/quipulog/quipu/crdt"
)

// TestWhatAnEntryTakes appends entries of 256 bytes, each in a commit of its own, and counts the pages that come to be in
// use: op, key and arrival have 620 bytes.
func TestWhatAnEntryTakes(t *testing.T) {
	l := Unsynced(newCords(t, 908, 1, 0).open())
	e := crdt.Event{Kind: "k", ContentType: "application/octet-stream", Payload: make([]byte, 256)}
	used := func(n int) int64 {
		for range n {
			if _, err := l.Append(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		bytes, free := l.store.file.Usage()
		return bytes - free
	}
	before := used(500)
	const n, most = 2000, 730
	if each := (used(n) - before) / n; each > most {
		t.Errorf("an entry takes %d bytes of the file, at most %d are expected", each, most)
	}
}
