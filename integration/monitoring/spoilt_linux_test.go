package monitoring

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// aFileIsSpoilt changes a bit of an op of another author in the file of a node, and then brings a node that puts it back.
func aFileIsSpoilt(t *testing.T, watch watch) {
	a := newNode(t, "a", "")
	spoilt := newNode(t, "spoilt", a.Log, "--join", a.Addr)
	p := watch(a, spoilt)
	for _, payload := range []string{"first", "to-be-spoilt", "last"} {
		a.post(t, "/v1/entries", fmt.Sprintf(`{"kind":"note","payload":%q}`, payload))
	}
	p.until(func() string { return missing(p, `quipu_author_head_seq{instance="spoilt"} == 3`, 1) })
	a.Kill()
	spoilt.Kill()
	file := filepath.Join(spoilt.Dir, "quipu.db")
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.ReplaceAll(all, []byte("to-be-spoilt"), []byte("uo-be-spoilt"))
	if bytes.Equal(bad, all) {
		t.Fatal("the node does not hold it")
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0) // the same file, since another one may be a copy
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bad, 0); err != nil {
		t.Fatal(err)
	}

	spoilt.Start(t)
	p.fires("QuipuDamaged", "spoilt", false)
	if _, err := spoilt.call(t.Context(), http.MethodGet, "/v1/entries", spoilt.writer, ""); err == nil {
		t.Error("what is spoilt was read")
	}
	p.fires("QuipuDamaged", "spoilt", true)
	a.Start(t)
	p.fires("QuipuDamaged", "spoilt", false)
}
