package server

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/api"
)

// TestSchemasAreOfForms: a type that reads or writes its JSON itself has a declared form in the document. What can be
// seen of it in Go is something else.
func TestSchemasAreOfForms(t *testing.T) {
	schemas := (&server{}).routes(true).api.OpenAPI().Components.Schemas
	for name := range schemas.Map() {
		described := reflect.PointerTo(schemas.TypeFromRef(schemaPrefix + name))
		if described.Implements(reflect.TypeFor[json.Marshaler]()) || described.Implements(reflect.TypeFor[json.Unmarshaler]()) {
			t.Errorf("%s is described as %s looks in Go, which has a JSON form of its own", name, described.Elem())
		}
	}
}

// TestAnswersAreOpen: a client is told to pass over fields that it does not know, and that a node does not.
func TestAnswersAreOpen(t *testing.T) {
	d := parsedDocument(t)
	asked, told := make(map[string]bool), make(map[string]bool)
	d.eachOperation(func(op map[string]any) {
		d.reach(op["requestBody"], asked)
		d.reach(op["responses"], told)
	})
	for name := range d.schemas {
		schema := d.schemas[name].(map[string]any)
		closed := schema["additionalProperties"] == false
		if name == "CloudEventRequest" { // in which others are extensions
			closed = schema["additionalProperties"] == true
		}
		if schema["type"] == "object" && (closed != asked[name] || asked[name] == told[name]) {
			t.Errorf("%s: of a request is %v, of an answer is %v, closed is %v", name, asked[name], told[name], closed)
		}
	}
	if len(asked) < 20 || len(told) < 60 {
		t.Errorf("%d schemas of requests and %d of answers were looked at", len(asked), len(told))
	}
}

// TestRefusalsAreDescribed: each operation says which codes each of its statuses may have, and no other.
func TestRefusalsAreDescribed(t *testing.T) {
	d := parsedDocument(t)
	described := make(map[string]bool)
	d.eachOperation(func(op map[string]any) {
		for status, answer := range op["responses"].(map[string]any) {
			eachObject(answer, func(o map[string]any) {
				codes, ok := o["enum"].([]any)
				if !ok || !strings.HasPrefix(status, "4") && !strings.HasPrefix(status, "5") {
					return
				}
				for _, c := range codes {
					about := api.Code(c.(string)).About()
					if got := strconv.Itoa(about.Status); got != status {
						t.Errorf("%v: %v is described with status %s, and has %s", op["operationId"], c, status, got)
					}
					described[c.(string)] = true
				}
			})
		}
	})
	for _, c := range api.Codes {
		if want := c != api.WrongMethod; described[string(c)] != want { // which refuses what is no operation
			t.Errorf("%s: that an operation refuses with it is described: %t, want %t", c, !want, want)
		}
	}
}
