// Package vectortest holds what the packages of the protocol make against the files of docs/vectors, for
// their tests. Package crdt, which imports nothing from here, has its own.
//
// With the flag -update, which importing the package registers, the files are written anew; a change in
// one is a change of the protocol:
//
//	go test ./gossip/{wire,transport,membership,bundle} -run Vectors -update
package vectortest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/vectors anew; a change in one is a change of the protocol")

// Updating reports whether the files are to be written anew.
func Updating() bool { return *update }

// path returns where a file of docs/vectors is, as seen from the folder of a package two levels down.
func path(name string) string { return filepath.Join("..", "..", "docs", "vectors", name) }

// Read reads a file into v. It need not be there while the files are written anew.
func Read(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(path(name))
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil && !*update {
		t.Fatal(err)
	}
}

// Check compares v with a file, or writes the file anew.
func Check(t *testing.T, name string, v any) {
	t.Helper()
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path(name), got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path(name))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s: the protocol has changed (-file +got):\n%s", name, diff)
	}
}
