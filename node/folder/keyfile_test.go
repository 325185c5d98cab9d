package folder_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/keyform"
)

// sealedKey writes a key that is sealed by "correct horse" to the folder.
func sealedKey(t *testing.T, f folder.Folder) *folder.KeyFile {
	t.Helper()
	text, err := keyform.Seal(newKey(t), keyform.PKCS8, []byte("correct horse"))
	if err == nil {
		err = folder.ExportKey(f.Key(), text)
	}
	if err != nil {
		t.Fatal(err)
	}
	file, err := f.KeyFile()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPersonIsAskedThrice, and no longer once the passphrase was right; a file and a text are tried once.
func TestPersonIsAskedThrice(t *testing.T) {
	file := sealedKey(t, folder.Folder(t.TempDir()))
	for rights, want := range map[int]int{0: 1, 1: 2, 2: 3, 3: 3} {
		asked := 0
		_, err := file.Open(folder.Passphrase{Ask: func(path string, try int) ([]byte, error) {
			if try != asked {
				t.Errorf("try %d, want %d", try, asked)
			}
			if asked++; try == rights {
				return []byte("correct horse"), nil
			}
			return []byte("battery staple"), nil
		}})
		if asked != want || (err == nil) != (rights < 3) || err != nil && !errors.Is(err, keyform.ErrPassphrase) {
			t.Errorf("right at %d: asked %d times, want %d: %v", rights, asked, want, err)
		}
	}
	never := func(string, int) ([]byte, error) {
		t.Error("a person is asked though the passphrase is said")
		return nil, nil
	}
	if _, err := file.Open(folder.Passphrase{Text: "battery staple", TextFrom: "$X", Ask: never}); !errors.Is(err, keyform.ErrPassphrase) || strings.Contains(err.Error(), "battery") {
		t.Errorf("a wrong text: %v", err)
	}
	left := errors.New("left")
	if _, err := file.Open(folder.Passphrase{Ask: func(string, int) ([]byte, error) { return nil, left }}); !errors.Is(err, left) {
		t.Errorf("nobody answers: %v", err)
	}
	if _, err := file.Open(folder.Passphrase{}); !errors.Is(err, folder.ErrSealed) {
		t.Errorf("nobody to ask: %v", err)
	}
}

func TestReadPassphrase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phrase")
	for text, want := range map[string]string{
		"correct horse":            "correct horse",
		"correct horse\n":          "correct horse",
		" spaces count \r\n":       " spaces count ",
		"\ufeffmarked\n":           "marked",
		"é":                        "é",
		"":                         "",
		"\n":                       "",
		"\r\n":                     "",
		"two\nlines\n":             "",
		"ended twice\n\n":          "",
		"old\rlines":               "",
		"\xff\xfew\x00":            "",
		strings.Repeat("x", 2<<10): "",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := folder.ReadPassphrase(path)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
		if err != nil && (!strings.Contains(err.Error(), path) || len(text) > 4 && strings.Contains(err.Error(), text[:4])) {
			t.Errorf("%q: the error shows too little or too much: %v", text, err)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.ReadPassphrase(path); !errors.Is(err, folder.ErrMode) {
		t.Errorf("readable by all: %v", err)
	}
}

// TestExportKeyReplacesNothing, and is for its owner alone.
func TestExportKeyReplacesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := folder.ExportKey(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := folder.ExportKey(path, []byte("another")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one: %v", err)
	}
	text, err := os.ReadFile(path)
	stat, failed := os.Stat(path)
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	if string(text) != "one" || stat.Mode().Perm() != 0o600 {
		t.Errorf("%q, mode %v", text, stat.Mode())
	}
}
