package server

import (
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// camelCase and kebabCase are how fields are named, and parameters and the parts of paths.
var (
	camelCase = regexp.MustCompile(`^[a-z]+([A-Z][a-z0-9]*)*$`)
	kebabCase = regexp.MustCompile(`^(\{[a-z]+\}|[a-z0-9]+(-[a-z0-9]+)*)$`)
)

// TestNamesAreOfOneForm: of the fields, the parameters and the paths, each kind has one form. The names of a CloudEvent are
// not ours.
func TestNamesAreOfOneForm(t *testing.T) {
	d := parsedDocument(t)
	for name := range d.schemas {
		for field := range propertiesOf(d.schemas[name]) {
			if !camelCase.MatchString(field) && !strings.HasPrefix(name, "CloudEvent") {
				t.Errorf("%s.%s: expected camelCase", name, field)
			}
		}
	}
	for path := range d.whole["paths"].(map[string]any) {
		for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
			if !kebabCase.MatchString(part) && path != "/openapi.json" {
				t.Errorf("%s: expected kebab-case", path)
			}
		}
	}
	d.eachOperation(func(op map[string]any) {
		for _, p := range list(op["parameters"]) {
			name := p.(map[string]any)["name"].(string)
			if p.(map[string]any)["in"] == "query" && !kebabCase.MatchString(name) {
				t.Errorf("%v: parameter %s: expected kebab-case", op["operationId"], url.QueryEscape(name))
			}
		}
	})
}

// TestSpansAreOfOneForm: one that somebody sets is text with its units. One that was measured is a number of seconds, and its
// name says so: of numbers that are no whole ones there are rates beside.
func TestSpansAreOfOneForm(t *testing.T) {
	schemas := (&server{}).routes(true).api.OpenAPI().Components.Schemas
	looked := 0
	for name := range schemas.Map() {
		described := schemas.TypeFromRef(schemaPrefix + name)
		if described.Kind() != reflect.Struct {
			continue
		}
		for _, f := range reflect.VisibleFields(described) {
			field, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if field == "-" || field == "" {
				continue
			}
			looked++
			of := f.Type
			for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
				of = of.Elem()
			}
			switch {
			case of == reflect.TypeFor[time.Duration]():
				t.Errorf("%s.%s travels as nanoseconds: expected an age.Age, or seconds", name, field)
			case of.Kind() == reflect.Float64 && field != "perSecond" && field != "seconds" && !strings.HasSuffix(field, "Seconds"):
				t.Errorf("%s.%s: of which unit? expected a name that ends in Seconds", name, field)
			case strings.HasSuffix(field, "Ns") || strings.HasSuffix(field, "Ms"):
				t.Errorf("%s.%s: expected seconds", name, field)
			}
		}
	}
	if looked < 400 {
		t.Errorf("%d fields were looked at", looked)
	}
}

// parsedDocument returns the document.
func parsedDocument(t *testing.T) parsed {
	t.Helper()
	b, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	d, err := parseDocument(b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// propertiesOf returns the properties of a schema.
func propertiesOf(schema any) map[string]any {
	properties, _ := schema.(map[string]any)["properties"].(map[string]any)
	return properties
}

// list returns a list of JSON, which may be missing.
func list(v any) []any {
	all, _ := v.([]any)
	return all
}
