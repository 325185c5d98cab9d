package integration

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/server"
)

// pageCall is how a text names a call.
var pageCall = regexp.MustCompile("`((?:GET|POST|DELETE) /[^`]*)`")

// TestAPINamesEveryCall: the page on the HTTP interface says what each call of the document is for, and names no other.
func TestAPINamesEveryCall(t *testing.T) {
	text, err := os.ReadFile(httpPage)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, call := range pageCall.FindAllStringSubmatch(string(text), -1) {
		named[call[1]] = true
	}
	if !named["GET /openapi.json"] {
		t.Error("the page does not say where the document is")
	}
	delete(named, "GET /openapi.json") // which does not describe itself
	document, err := server.Document()
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(document, &described); err != nil {
		t.Fatal(err)
	}
	for path, methods := range described.Paths {
		for method := range methods {
			call := strings.ToUpper(method) + " " + path
			if !named[call] {
				t.Errorf("the page does not say what `%s` is for: put it into the table of section 2", call)
			}
			delete(named, call)
		}
	}
	for call := range named {
		t.Errorf("the page names `%s`, which no node has", call)
	}
}
