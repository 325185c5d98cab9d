package integration

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The pages whose blocks are run.
const (
	guide    = "../docs/GUIDE.md"
	recovery = "../docs/RECOVERY.md"
	httpPage = "../docs/API.md"
)

// TestGuide runs every block of the guide and compares what it prints with the block below it.
//
//   - A Go block that begins with "package" is a program of its own.
//   - One of declarations is compiled with all other blocks; one of statements is a part of a function
//     that has a ctx and an open log of the folder shop, and returns an error. The statements of a section
//     are one function, which a program, a shell block and a process that is killed end.
//   - A shell block is run by sh, with quipu in its path.
//   - A text block is what the block above it prints, with … for what differs each time. Where a process
//     does not end well, its last line is how it ended, as go run prints it. No text block: nothing is
//     printed.
//
// All of them run in one folder, in their order. Anything else in the guide that looks like code is an
// error.
func TestGuide(t *testing.T) { runPage(t, guide) }

// TestRecovery runs the page on recovery as the guide is run: a cluster loses what can be lost, in real files and
// processes.
func TestRecovery(t *testing.T) { runPage(t, recovery) }

// TestAPI runs the page on the HTTP interface as the guide is run.
func TestAPI(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("QUIPU_E2E") != "" {
			t.Fatal("no curl here")
		}
		t.Skip("no curl here")
	}
	runPage(t, httpPage)
}

// runPage runs every block of a page.
func runPage(t *testing.T, page string) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short: it builds and runs programs")
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh here")
	}
	t.Parallel() // both pages wait more than they work
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := guideSteps(string(text))
	if err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	r := &guideRun{page: page, dir: t.TempDir()}
	if slices.ContainsFunc(steps, func(s step) bool { return s.kind != shell }) {
		if r.bin, err = buildGuide(t.TempDir(), steps); err != nil {
			t.Fatal(err)
		}
	}
	quipu, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	r.path = filepath.Dir(quipu)
	t.Cleanup(func() { // what the page, or a block that failed, has left running
		logs, _ := filepath.Glob(filepath.Join(r.dir, "*", "quipu.db")) // the pattern is well formed
		for _, log := range logs {
			r.exec(quipu, "stop", "--dir", filepath.Dir(log))
		}
	})
	part := 0
	for i, s := range steps {
		if s.kind == statements && s.part == part {
			continue // ran with the first one of its part
		}
		part = max(part, s.part)
		r.check(t, steps[i:])
	}
}

// TestGuideHasNoBlockThatIsNotRun holds what the guide may look like against texts that are no guide.
func TestGuideHasNoBlockThatIsNotRun(t *testing.T) {
	for text, want := range map[string]string{
		"```json\n{}\n```\n":    `line 2: a block of "json" is not run`,
		"```\nls\n```\n":        `line 2: a block of "" is not run`,
		"```text\nhello\n```\n": "line 2: output of nothing",
		"```sh\nls\n```\n```text\na\n```\n```text\nb\n```\n": "line 8: output of a block that has none",
		"```go\ntype x int\n```\n```text\na\n```\n":          "line 5: output of a block that has none",
		"```go\nx := \n```\n":                                "line 2: neither declarations nor statements",
		"```go\nx := 1\n":                                    "line 2: the block that begins there does not end",
		"a\n\n    ls\n":                                      "line 3 is shown as code",
		"~~~\nls\n~~~\n":                                     "line 1 is shown as code",
		"- a\n  ```sh\n  ls\n  ```\n":                        "line 2: expected ``` at its beginning",
	} {
		if steps, err := guideSteps(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want an error with %q", text, steps, err, want)
		}
	}
}

// TestGuideStatementsGoOnInTheirSection says which blocks of statements are one function.
func TestGuideStatementsGoOnInTheirSection(t *testing.T) {
	steps, err := guideSteps("```go\na()\n```\n```go\nfunc a() {}\n```\n```go\na()\n```\n```text\nsignal: killed\n```\n```go\na()\n```\n" +
		"```sh\nls\n```\n```go\na()\n```\n```go\npackage main\n```\n```go\na()\n```\n## Next\n```go\na()\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	var parts []int
	for _, s := range steps {
		parts = append(parts, s.part)
	}
	if want := []int{1, 0, 1, 2, 0, 3, 0, 4, 5}; !slices.Equal(parts, want) {
		t.Errorf("blocks are of the parts %d, want %d", parts, want)
	}
}

// step is a block of the guide that is run, with what it must print.
type step struct {
	block
	kind stepKind
	part int // which function a block of statements belongs to, from 1
	want string
}

type stepKind int

const (
	aProgram stepKind = iota
	declarations
	statements
	shell
)

// guideSteps returns what is to be run.
func guideSteps(markdown string) ([]step, error) {
	blocks, err := fencedBlocks(markdown)
	if err != nil {
		return nil, err
	}
	var steps []step
	part, goesOn := 0, false // the last part, and whether the next statements belong to it
	for i, b := range blocks {
		goesOn = goesOn && b.section == blocks[i-1].section
		switch b.lang {
		case "go":
			s, err := goStep(b)
			if err != nil {
				return nil, err
			}
			if s.kind == statements {
				if !goesOn {
					part++
				}
				s.part = part
			}
			goesOn = s.kind == statements || s.kind == declarations && goesOn
			steps = append(steps, s)
		case "sh":
			steps, goesOn = append(steps, step{block: b, kind: shell}), false
		case "text":
			if len(steps) == 0 {
				return nil, fmt.Errorf("line %d: output of nothing", b.line)
			}
			if blocks[i-1].lang == "text" || steps[len(steps)-1].kind == declarations {
				return nil, fmt.Errorf("line %d: output of a block that has none", b.line)
			}
			steps[len(steps)-1].want = b.text
			goesOn = goesOn && !strings.HasSuffix(b.text, "signal: killed\n")
		default:
			return nil, fmt.Errorf("line %d: a block of %q is not run: expected go, sh or text", b.line, b.lang)
		}
	}
	return steps, nil
}

// goStep says what a Go block is.
func goStep(b block) (step, error) {
	if strings.HasPrefix(b.text, "package ") {
		return step{block: b, kind: aProgram}, nil
	}
	if parseGo("package p;"+b.text) == nil {
		return step{block: b, kind: declarations}, nil
	}
	if err := parseGo("package p; func _() error {" + b.text + "\n}"); err != nil {
		return step{}, fmt.Errorf("line %d: neither declarations nor statements: %w", b.line, err)
	}
	return step{block: b, kind: statements}, nil
}

func parseGo(source string) error {
	_, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	return err
}

// guideRun runs the steps of a page.
type guideRun struct {
	page string
	dir  string // where they run
	bin  string // the folder with the programs
	path string // the folder with quipu
}

// check runs the first step and all that are one process with it, and compares what each has printed
// with what the page says.
func (r *guideRun) check(t *testing.T, steps []step) {
	t.Helper()
	s := steps[0]
	switch s.kind {
	case shell:
		r.compare(t, s, r.exec("sh", "-euc", s.text))
	case aProgram:
		r.compare(t, s, r.exec(filepath.Join(r.bin, programName(s))))
	case statements:
		_, out, _ := strings.Cut(r.exec(filepath.Join(r.bin, snippets), fmt.Sprint(s.part)), nextBlock)
		for _, other := range steps {
			if other.part == s.part {
				var printed string
				printed, out, _ = strings.Cut(out, nextBlock)
				r.compare(t, other, printed)
			}
		}
	}
}

// columnSpace is what stands between the columns of a table, which are as wide as what differs each time.
var columnSpace = regexp.MustCompile(" +")

// headway is what a command that takes long says on the way of how far it is, as any may on a busy machine.
var headway = regexp.MustCompile(`(?m)^[^\n]+: [0-9]+ of [0-9]+ [a-z]+ \([0-9]+%\).*\n`)

// compare compares what a step has printed with what it must print.
func (r *guideRun) compare(t *testing.T, s step, printed string) {
	t.Helper()
	pattern := columnSpace.ReplaceAllString(regexp.QuoteMeta(s.want), " +")
	pattern = strings.ReplaceAll(pattern, "…", `[^\n]+`)
	if !regexp.MustCompile(`\A` + pattern + `\z`).MatchString(headway.ReplaceAllString(printed, "")) {
		t.Errorf("%s:%d: what the block prints is not what stands below it, which is\n%s\nIt prints\n%s", r.page, s.line, s.want, printed)
	}
}

// exec runs a process and returns all that it has printed, and how it ended unless that was well.
func (r *guideRun) exec(name string, args ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "PATH="+r.path+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		out = fmt.Appendf(out, "%v\n", err)
	}
	return string(out)
}
