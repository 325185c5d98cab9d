package condition_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
)

// TestEachConditionHasOneMeaning: the table has each kind once, in the order of their numbers, and docs/OPERATIONS.md says
// of each the same, as it says of all else that keeps a node from being ready or alive.
func TestEachConditionHasOneMeaning(t *testing.T) {
	b, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	kind := gossip.Condition(1)
	for _, m := range condition.Meanings {
		if m.Kind != kind {
			t.Errorf("%s stands where %s is to", m.Kind, kind)
		}
		kind++
		if row := fmt.Sprintf("| `%s` | %s | %s | ", m.Kind, m.Fails, m.Text); !strings.Contains(page, row) {
			t.Errorf("docs/OPERATIONS.md lacks the row %q", row)
		}
	}
	if unknown := fmt.Sprintf("condition(%d)", kind); kind.String() != unknown {
		t.Errorf("%s has no meaning", kind)
	}
	for _, word := range []string{api.UnreadyBehind, api.UnreadyUnlinked, api.UnreadyStopping, api.DeadEnded} {
		if !strings.Contains(page, "\n| `"+word+"` | ") {
			t.Errorf("docs/OPERATIONS.md lacks %q", word)
		}
	}
}
