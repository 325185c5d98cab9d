package integration

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCausalOrderIsPromisedWhereClocksAgree reads every text and comment of the repository. Whoever promises
// cause and effect says that clocks have to be within a minute for it, in the same breath.
func TestCausalOrderIsPromisedWhereClocksAgree(t *testing.T) {
	const promise, near = "cause and effect", 90
	condition := regexp.MustCompile(`(?i)clocks are within (a minute|\[MaxAhead\])`)
	found := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || ext != ".go" && ext != ".md" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text := strings.Join(strings.Fields(strings.ReplaceAll(string(b), "//", " ")), " ")
		for from := 0; ; {
			at := strings.Index(text[from:], promise)
			if at < 0 {
				return nil
			}
			from += at + len(promise)
			found++
			about := text[max(0, from-len(promise)-near):min(len(text), from+near)]
			if !condition.MatchString(about) {
				t.Errorf("%s promises too much: …%s…", path, about)
			}
		}
	})
	if err != nil || found < 8 {
		t.Errorf("%d promises found, %v", found, err)
	}
}
