package server

import (
	_ "embed"
	"strings"
	"sync"
)

// fields.txt has a line for each field that neither its form nor its type describes: "SCHEMA.FIELD TEXT". The texts are
// the comments of the fields in Go, which a test writes there.
//
//go:embed fields.txt
var fieldsText string

// fieldTexts are the descriptions of fields, by schema and field.
var fieldTexts = sync.OnceValue(func() map[string]string {
	texts := make(map[string]string)
	for line := range strings.Lines(fieldsText) {
		field, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		texts[field] = text
	}
	return texts
})

// describeFields adds to the fields of the schemas what they are, where they do not say so themselves. What only refers to
// another schema gets words of its own beside.
func (d parsed) describeFields() {
	for name, schema := range d.schemas {
		properties, _ := schema.(map[string]any)["properties"].(map[string]any)
		for field, described := range properties {
			if text, known := fieldTexts()[name+"."+field]; known {
				described.(map[string]any)["description"] = text
			}
		}
	}
}
