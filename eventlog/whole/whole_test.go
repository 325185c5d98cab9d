package whole_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/quipulog/quipu/eventlog/whole"
)

// TestWriteAtALinkWritesAtItsTarget is about a file that somebody has put elsewhere and linked to.
func TestWriteAtALinkWritesAtItsTarget(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege here")
	}
	for name, made := range map[string]struct{ link, to, target string }{
		"no link":          {"", "", "here/f"},
		"to a file":        {"here/f", "../there/f", "there/f"},
		"absolute":         {"here/f", "/there/f", "there/f"},
		"dangling":         {"here/f", "../there/new", "there/new"},
		"of a link":        {"here/f", "../there/link", "there/f"},
		"up from a folder": {"linked/f", "../f", "there/f"}, // linked leads to there/below
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			at := func(path string) string { return filepath.Join(root, path) }
			check(t, os.MkdirAll(at("here"), 0o700))
			check(t, os.MkdirAll(at("there/below"), 0o700))
			check(t, os.WriteFile(at("there/f"), []byte("old"), 0o640))
			check(t, os.Symlink("f", at("there/link")))
			check(t, os.Symlink("there/below", at("linked")))
			path := "here/f"
			if made.link != "" {
				to := made.to
				if filepath.IsAbs(to) {
					to = at(to)
				}
				check(t, os.Symlink(to, at(made.link)))
				path = made.link
			}
			check(t, whole.Write(at(path), []byte("new"), 0o600))
			for _, file := range []string{path, made.target} {
				if b, err := os.ReadFile(at(file)); err != nil || string(b) != "new" {
					t.Errorf("%s holds %q, %v", file, b, err)
				}
			}
			stat, err := os.Lstat(at(path))
			check(t, err)
			if linked := stat.Mode()&fs.ModeSymlink != 0; linked != (made.link != "") {
				t.Errorf("%s is a %s", path, stat.Mode())
			}
			want := fs.FileMode(0o600)
			if made.target == "there/f" {
				want = 0o640 // that of the file that was replaced
			}
			stat, err = os.Stat(at(made.target))
			check(t, err)
			if stat.Mode() != want {
				t.Errorf("mode %v, want %v", stat.Mode(), want)
			}
			wantNothingLeft(t, at("here"), at("there"), at("there/below"))
		})
	}
}

// TestWriteInACircle wants links that lead nowhere to be an error.
func TestWriteInACircle(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege here")
	}
	dir := t.TempDir()
	check(t, os.Symlink("b", filepath.Join(dir, "a")))
	check(t, os.Symlink("a", filepath.Join(dir, "b")))
	if err := whole.Write(filepath.Join(dir, "a"), nil, 0o600); err == nil {
		t.Error("written")
	}
}

// TestWhatIsNotKeptIsNotThere drops a file on the way, and has one in the way of another.
func TestWhatIsNotKeptIsNotThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	check(t, whole.Write(path, []byte("old"), 0o600))
	f, err := whole.Create(path, 0o600)
	check(t, err)
	if _, err := f.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	check(t, f.Drop())
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	folder := filepath.Join(dir, "folder")
	check(t, os.MkdirAll(filepath.Join(folder, "below"), 0o700))
	if err := whole.Write(folder, nil, 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	if err := whole.Write(filepath.Join(dir, "none", "f"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
	wantNothingLeft(t, dir)
}

// wantNothingLeft wants no file in the folders that is still being written.
func wantNothingLeft(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		left, err := filepath.Glob(filepath.Join(dir, ".*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left over: %q, %v", left, err)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
