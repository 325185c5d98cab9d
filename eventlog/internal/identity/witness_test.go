package identity_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// TestWitness asks a witness about the file that it has seen, about others, and once it was spoilt.
func TestWitness(t *testing.T) {
	file := identity.Identity{Inode: 1<<64 - 1, Birth: 1<<63 - 1, FS: "ext"}
	other, reborn, birthless := file, file, file
	other.Inode, reborn.Birth, birthless.Birth = 2, 3, 0
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		file  identity.Identity
		held  uint64
		older string
	}{
		{"as it was", nil, file, 1<<64 - 2, ""},
		{"grown", nil, file, 1<<64 - 1, ""},
		{"older", nil, file, 41, "it holds transaction 41, and held 18446744073709551614"},
		{"older, on a kernel that tells no birth time", nil, birthless, 41, "it holds transaction 41, and held 18446744073709551614"},
		{"another file", nil, other, 41, ""},
		{"another file under its inode", nil, reborn, 41, ""},
		{"a file that nobody can tell from another", nil, identity.Identity{}, 41, ""},
		{"lost", func(t *testing.T, path string) { must(t, os.Remove(path)) }, file, 41, ""},
		{"empty", overwrite(func(string) string { return "" }), file, 41, ""},
		{"cut", overwrite(func(s string) string { return s[:len(s)-1] }), file, 41, ""},
		{"with more behind it", overwrite(func(s string) string { return s + "\n" }), file, 41, ""},
		{"longer than any", overwrite(func(s string) string { return s + strings.Repeat("x", 1<<20) }), file, 41, ""},
		{"flipped", overwrite(func(s string) string { return strings.Replace(s, "held 1", "held 2", 1) }), file, 41, ""},
		{"written otherwise", overwrite(func(s string) string { return strings.Replace(s, "held ", "held 0", 1) }), file, 41, ""},
		{"no file", func(t *testing.T, path string) { must(t, os.Remove(path)); must(t, os.Mkdir(path, 0o700)) }, file, 41, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			w := identity.WitnessOf(path)
			must(t, w.Write(file, 1<<64-2))
			if info, err := os.Stat(path + ".seen"); err != nil || info.Mode() != 0o600 && filepath.Separator == '/' {
				t.Errorf("the witness is %v, %v", info.Mode(), err)
			}
			if c.spoil != nil {
				c.spoil(t, path+".seen")
			}
			if older := w.Older(c.file, c.held); older != c.older {
				t.Errorf("older: %q, want %q", older, c.older)
			}
			if says, want := w.Says(c.file, c.held), c.name == "as it was"; says != want {
				t.Errorf("says so already: %v", says)
			}
			if c.name == "no file" {
				if err := w.Write(file, 41); err == nil {
					t.Error("a folder was replaced")
				}
				return
			}
			must(t, w.Write(file, c.held))
			if !w.Says(file, c.held) {
				t.Error("a new witness does not say so")
			}
			must(t, w.Forget())
			must(t, w.Forget())
			if older := w.Older(file, 0); older != "" {
				t.Errorf("a witness that was forgotten says %q", older)
			}
		})
	}
}

func overwrite(how func(string) string) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		b, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, []byte(how(string(b))), 0o600))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
