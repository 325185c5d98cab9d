package integration

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// typedPackage is one of our packages, without its tests, as the compiler for Linux sees it: the same on
// every machine, so that what is said of it is too.
type typedPackage struct {
	files []goFile // those of them that belong to other systems are left out
	fset  *token.FileSet
	pkg   *types.Package
	info  *types.Info
}

// typedEventlog is package eventlog.
var typedEventlog = sync.OnceValues(func() (*typedPackage, error) { return checkTypes("eventlog") })

// checkTypes reads the package in dir, a folder from the top of the repository. The packages that it
// imports are compiled for it, as far as go's cache does not hold them.
func checkTypes(dir string) (*typedPackage, error) {
	files, err := parsedFiles()
	if err != nil {
		return nil, err
	}
	linux := build.Default
	linux.GOOS, linux.GOARCH, linux.CgoEnabled = "linux", "amd64", false
	p := &typedPackage{info: &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}}
	var asts []*ast.File
	var imports []string
	for _, f := range files {
		if f.dir != dir || f.isTest() {
			continue
		}
		ok, err := linux.MatchFile(filepath.Join(top, filepath.FromSlash(dir)), filepath.Base(f.name))
		if err != nil {
			return nil, err
		}
		if ok {
			p.files, p.fset = append(p.files, f), f.fset
			asts, imports = append(asts, f.ast), append(imports, f.imports()...)
		}
	}
	slices.Sort(imports)
	compiled, err := compile(&linux, slices.Compact(imports))
	if err != nil {
		return nil, err
	}
	conf := types.Config{
		Importer: importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) {
			return os.Open(compiled[path])
		}),
		Sizes: types.SizesFor("gc", linux.GOARCH),
	}
	if p.pkg, err = conf.Check(module+"/"+dir, p.fset, asts, p.info); err != nil {
		return nil, fmt.Errorf("package %s does not compile: %w", dir, err)
	}
	return p, nil
}

// compile returns the files in go's cache that say what packages export.
func compile(system *build.Context, packages []string) (map[string]string, error) {
	cmd := exec.Command("go", append([]string{"list", "-export", "-f", "{{.ImportPath}} {{.Export}}"}, packages...)...)
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "GOOS="+system.GOOS, "GOARCH="+system.GOARCH, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("go list: %w\n%s", err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return nil, err
	}
	compiled := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		compiled[path] = file
	}
	return compiled, nil
}
