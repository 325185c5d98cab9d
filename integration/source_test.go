package integration

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/quipulog/quipu"

// top is the folder of the repository, as the tests see it.
const top = ".."

// goFile is a parsed source file; name is its path and dir its folder from the top of the repository, with slashes.
type goFile struct {
	name, dir string
	fset      *token.FileSet
	ast       *ast.File
}

// goFiles returns the source files of the repository, tests too, sorted by name. They share a file set.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	files, err := parsedFiles()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var parsedFiles = sync.OnceValues(func() ([]goFile, error) {
	names, err := sources()
	if err != nil {
		return nil, err
	}
	if len(names) < 10 {
		return nil, errors.New("hardly any source file was found: this is not the repository")
	}
	fset := token.NewFileSet()
	files := make([]goFile, len(names))
	for i, name := range names {
		files[i] = goFile{name: name, dir: path.Dir(name), fset: fset}
		files[i].ast, err = parser.ParseFile(fset, filepath.Join(top, filepath.FromSlash(name)), nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return nil, err
		}
	}
	return files, nil
})

// sources returns the paths of the source files from the top of the repository, with slashes: what git
// tracks or would, so that what others put into the folder is none. Where there is no git, or this is no
// checkout but a module from a proxy, the folder holds nothing else and is walked.
func sources() ([]string, error) {
	out, err := exec.Command("git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	names := strings.Split(string(out), "\x00")
	if err != nil || !slices.Contains(names, "go.mod") {
		if names, err = walked(); err != nil {
			return nil, err
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		if path.Ext(name) != ".go" || slices.Contains(strings.Split(name, "/"), "testdata") {
			return true
		}
		_, err := os.Lstat(filepath.Join(top, filepath.FromSlash(name)))
		return errors.Is(err, fs.ErrNotExist) // removed, and git was not told yet
	})
	slices.Sort(names)
	// What a test has looked at is part of go's cache of its result: so a new file makes it run again.
	for _, name := range names {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			_, _ = os.Stat(filepath.Join(top, filepath.FromSlash(dir)))
		}
	}
	return slices.Compact(names), nil
}

func walked() (names []string, err error) {
	err = fs.WalkDir(os.DirFS(top), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.IsDir():
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

func (f goFile) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

func (f goFile) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}
