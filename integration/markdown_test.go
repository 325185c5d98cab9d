package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// block is a fenced block of a text in Markdown.
type block struct {
	lang    string // what stands behind the fence that opens it
	line    int    // of its first line, from 1
	text    string
	section int // of the headings "## …", from 1; 0 before the first
}

// fencedBlocks returns the blocks of a text. Whatever could be code and is not fenced is an error: it
// would be shown and never run.
func fencedBlocks(markdown string) ([]block, error) {
	const fence = "```"
	var blocks []block
	var open *block
	section, n := 0, 0
	for line := range strings.Lines(markdown) {
		n++
		rest, fenced := strings.CutPrefix(line, fence)
		switch {
		case open != nil && fenced:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line
		case fenced:
			open = &block{lang: strings.TrimSpace(rest), line: n + 1, section: section}
		case strings.HasPrefix(line, "## "):
			section++
		case strings.HasPrefix(line, "    "), strings.HasPrefix(line, "\t"), strings.HasPrefix(line, "~~~"):
			return nil, fmt.Errorf("line %d is shown as code: put it into a block that begins with %s", n, fence)
		case strings.Contains(line, fence):
			return nil, fmt.Errorf("line %d: expected %s at its beginning", n, fence)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: the block that begins there does not end", open.line)
	}
	return blocks, nil
}

// TestTextsSayNothingTwice: a line that stands twice was left behind when two changes met.
func TestTextsSayNothingTwice(t *testing.T) {
	for _, name := range []string{"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/GUIDE.md", "docs/RECOVERY.md", "docs/API.md"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		code, seen := false, map[string]int{}
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "```") {
				code = !code
			}
			indented := strings.HasPrefix(line, "    ") // as code is
			if line = strings.TrimSpace(line); code || indented || len(line) < 40 {
				continue
			}
			if first := seen[line]; first > 0 {
				t.Errorf("%s:%d: line %d says the same: %s", name, i+1, first, line)
			}
			seen[line] = i + 1
		}
	}
}
