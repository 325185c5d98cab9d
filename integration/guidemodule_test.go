package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	// snippets is the name of the program of all blocks that are no program.
	snippets = "snippets"
	// nextBlock is printed before each block of statements.
	nextBlock = "\x1e\n"
)

// programName returns the name of a block that is a program.
func programName(s step) string { return fmt.Sprint("line", s.line) }

// buildGuide makes a module of the guide's Go blocks in dir, as somebody who uses quipu has one, and
// returns the folder with its programs. It needs what quipu itself needs in the module cache, and no
// network.
func buildGuide(dir string, steps []step) (bin string, err error) {
	top, err := filepath.Abs("..")
	if err != nil {
		return "", err
	}
	files, err := guideModule(top, steps)
	if err != nil {
		return "", err
	}
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		err = errors.Join(err, os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644))
	}
	if err != nil {
		return "", err
	}
	bin = filepath.Join(dir, "bin") + string(filepath.Separator)
	build := exec.Command("go", "build", "-ldflags=-w", "-o", bin, "./...")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the guide: %w\n%s", err, out)
	}
	return bin, nil
}

// guideModule returns the files of the module by name.
func guideModule(top string, steps []step) (map[string]string, error) {
	mod, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if err != nil {
		return nil, err
	}
	sum, err := os.ReadFile(filepath.Join(top, "go.sum"))
	if err != nil {
		return nil, err
	}
	source := filepath.Join(top, "docs", "GUIDE.md")
	files := map[string]string{
		"go.mod": strings.Replace(string(mod), "module "+module+"\n", "module guide\n", 1) +
			fmt.Sprintf("\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]q\n", module, top),
		"go.sum":               string(sum),
		snippets + "/parts.go": guideParts(source, steps),
		snippets + "/main.go":  guideMain,
	}
	for _, s := range steps {
		if s.kind == aProgram {
			files[programName(s)+"/main.go"] = at(source, s)
		}
	}
	return files, nil
}

// at returns the text of a step behind its line in the guide, for the compiler to name.
func at(source string, s step) string { return fmt.Sprintf("//line %s:%d\n%s", source, s.line, s.text) }

// guideParts returns the source of all blocks that are no program.
func guideParts(source string, steps []step) string {
	var imports, decls, funcs strings.Builder
	last := 0
	for _, s := range steps {
		switch {
		case s.kind == declarations && strings.HasPrefix(s.text, "import "):
			imports.WriteString(at(source, s))
		case s.kind == declarations:
			decls.WriteString(at(source, s))
		case s.kind == statements:
			if s.part > last {
				if last > 0 {
					funcs.WriteString("return nil\n}\n")
				}
				last = s.part
				fmt.Fprintf(&funcs, "func part%d(ctx context.Context, log *eventlog.Log) error {\n", last)
			}
			fmt.Fprintf(&funcs, "os.Stdout.WriteString(%q)\n%s", nextBlock, at(source, s))
		}
	}
	if last > 0 {
		funcs.WriteString("return nil\n}\n")
	}
	funcs.WriteString("var parts = []func(context.Context, *eventlog.Log) error{nil")
	for n := range last {
		fmt.Fprintf(&funcs, ", part%d", n+1)
	}
	return "package main\n" + imports.String() + decls.String() + funcs.String() + "}\n"
}

// guideMain runs the part that it is told.
const guideMain = `package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/folder"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(part string) error {
	n, err := strconv.Atoi(part)
	if err != nil {
		return err
	}
	key, err := folder.Folder("shop").ReadKey()
	if err != nil {
		return err
	}
	log, err := eventlog.Open("shop", eventlog.Config{Key: key})
	if err != nil {
		return err
	}
	return errors.Join(parts[n](context.Background(), log), log.Close())
}
`
