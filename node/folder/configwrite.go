package folder

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/quipulog/quipu/eventlog/whole"
)

// WriteConfig writes quipu.yaml for a new node, mode 0600, with every field explained and those that have
// their default commented out; the field log, which must be there, is the last.
func (f Folder) WriteConfig(c Config) error {
	var b bytes.Buffer
	b.WriteString("# The configuration of one quipu node. Flags of \"quipu start\" override it; a field that is\n" +
		"# left out has its default. Restart the daemon after a change.\n")
	for _, s := range Settings {
		if s.About != "" {
			fmt.Fprintf(&b, "\n# %s\n", strings.ReplaceAll(s.About, "\n", "\n# "))
		}
		if value := s.Text(&c); value != "" {
			fmt.Fprintf(&b, "%s: %s\n", s.Name, value)
		} else {
			fmt.Fprintf(&b, "# %s: %s\n", s.Name, cmp.Or(s.Default, s.Example))
		}
	}
	if back, err := parseConfig(b.Bytes()); err != nil || !reflect.DeepEqual(back, c) {
		return fmt.Errorf("write configuration: a value cannot be written as YAML: %w", errors.Join(err, errors.New("it reads back as another")))
	}
	if err := whole.Write(f.Config(), b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// quote returns text as a YAML scalar: as it is where nothing in it means something to YAML, else as a
// JSON string, which YAML reads as well.
func quote(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:", r)
	}
	odd := strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) >= 0
	var back any
	if !odd && yaml.Load([]byte(text), &back) == nil && back == any(text) {
		return text
	}
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(b)
}
