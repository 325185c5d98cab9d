package server

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

var update = flag.Bool("update", false, "write fields.txt anew")

// TestFieldsAreDescribed: each field of the document has a description. Those of Go's types are their comments, with the
// names that fields have in JSON; they stand in fields.txt, which -update writes anew.
func TestFieldsAreDescribed(t *testing.T) {
	schemas := (&server{}).routes(true).api.OpenAPI().Components.Schemas
	of := &commented{packages: make(map[string]*source)}
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(schemas.Map())) {
		described := schemas.TypeFromRef(schemaPrefix + name)
		for _, field := range slices.Sorted(maps.Keys(schemas.Map()[name].Properties)) {
			if schemas.Map()[name].Properties[field].Description != "" {
				continue // its form, or its type, says what it is
			}
			text := of.describe(t, described, field)
			if text == "" {
				t.Errorf("%s.%s: no comment says what it is", name, field)
				continue
			}
			fmt.Fprintf(&b, "%s.%s %s\n", name, field, text)
		}
	}
	switch is, err := os.ReadFile("fields.txt"); {
	case *update:
		if err := os.WriteFile("fields.txt", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	case err != nil:
		t.Fatal(err)
	case !bytes.Equal(is, b.Bytes()):
		t.Error("fields.txt is another than the comments: go test ./node/server -run Fields -update")
	}
}

// TestWholeDocumentIsDescribed: in what a node serves, each property and each parameter says what it is.
func TestWholeDocumentIsDescribed(t *testing.T) {
	d := parsedDocument(t)
	properties := 0
	for name := range d.schemas {
		for field, schema := range propertiesOf(d.schemas[name]) {
			properties++
			if said, _ := schema.(map[string]any)["description"].(string); !strings.HasSuffix(said, ".") {
				t.Errorf("%s.%s is described as %q", name, field, said)
			}
		}
	}
	parameters := 0
	d.eachOperation(func(op map[string]any) {
		for _, p := range list(op["parameters"]) {
			parameters++
			if said, _ := p.(map[string]any)["description"].(string); !strings.HasSuffix(said, ".") {
				t.Errorf("%v: parameter %v is described as %q", op["operationId"], p.(map[string]any)["name"], said)
			}
		}
	})
	if properties < 600 || parameters < 80 {
		t.Errorf("%d properties and %d parameters were looked at", properties, parameters)
	}
}

// commented are the packages whose comments were read, by path.
type commented struct{ packages map[string]*source }

// source is a package.
type source struct {
	types  map[string]*ast.StructType
	values map[string]string // of constants that are texts
}

// describe returns what the comment of a field says, in words of its JSON form.
func (c *commented) describe(t *testing.T, of reflect.Type, json string) string {
	t.Helper()
	names := make(map[string]string) // by the names in Go
	var in reflect.Type
	field := ""
	for _, f := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		names[f.Name] = name
		if name == json {
			in, field = of, f.Name
			for _, i := range f.Index[:len(f.Index)-1] {
				in = in.Field(i).Type
			}
		}
	}
	if in == nil {
		t.Fatalf("%s has no field %s", of, json)
	}
	src := c.read(t, in.PkgPath())
	declared := src.types[in.Name()]
	if declared == nil {
		t.Fatalf("%s is declared nowhere in %s", in.Name(), in.PkgPath())
	}
	return said(commentOf(declared, field), names, src.values)
}

// commentOf returns the comment of a field: one of its own, beside it or above, or that of a field above it which names it.
func commentOf(in *ast.StructType, field string) string {
	above := ""
	for _, f := range in.Fields.List {
		if f.Doc != nil {
			above = f.Doc.Text()
		}
		names := f.Names
		if embedded, is := f.Type.(*ast.Ident); is && names == nil {
			names = []*ast.Ident{embedded}
		}
		for _, name := range names {
			switch {
			case name.Name != field:
			case f.Comment != nil:
				return f.Comment.Text()
			case f.Doc != nil || regexp.MustCompile(`\b`+field+`\b`).MatchString(above):
				return above
			}
		}
	}
	return ""
}

var (
	sees  = regexp.MustCompile(`[,:] see \[[A-Za-z.]+\]`)
	links = regexp.MustCompile(`\[([A-Za-z.]+)\]`)
	words = regexp.MustCompile(`\.?\b[A-Z][A-Za-z0-9]*\b`)
	nils  = regexp.MustCompile(`\bnil\b`)
)

// said rewrites a comment: by the names and values that a client sees.
func said(comment string, names, values map[string]string) string {
	text := sees.ReplaceAllString(strings.Join(strings.Fields(comment), " "), "")
	text = words.ReplaceAllStringFunc(text, func(word string) string {
		if name, is := names[word]; is {
			return name
		}
		return word
	})
	text = links.ReplaceAllStringFunc(text, func(link string) string {
		name := strings.Trim(link, "[]")
		if value, is := values[name]; is {
			return value
		}
		return name
	})
	text = nils.ReplaceAllString(text, "left out")
	text = strings.Replace(text, "Nil means", "Left out, it is", 1)
	if text == "" {
		return ""
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	if first, _, _ := strings.Cut(text, " "); slices.Contains(slices.Collect(maps.Values(names)), strings.Trim(first, ",;:")) {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// read parses a package of this module.
func (c *commented) read(t *testing.T, path string) *source {
	t.Helper()
	if src := c.packages[path]; src != nil {
		return src
	}
	src := &source{types: make(map[string]*ast.StructType), values: map[string]string{
		"MaxFetchWait": age.Age(api.MaxFetchWait).String(), "DefaultLease": age.Age(api.DefaultLease).String(), "MinLease": age.Age(api.MinLease).String(),
		"MaxLease": age.Age(api.MaxLease).String(), "MaxDelay": age.Age(api.MaxDelay).String(), "MaxTicket": age.Age(api.MaxTicket).String(),
		"MaxPruneSubjects": strconv.Itoa(api.MaxPruneSubjects),
	}}
	c.packages[path] = src
	_, below, _ := strings.Cut(path, "github.com/quipulog/quipu/")
	files, err := filepath.Glob(filepath.Join("../..", below, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if fields, is := n.Type.(*ast.StructType); is {
					src.types[n.Name.Name] = fields
				}
			case *ast.ValueSpec:
				for i, v := range n.Values {
					if lit, is := v.(*ast.BasicLit); is && lit.Kind == token.STRING && i < len(n.Names) {
						src.values[n.Names[i].Name] = lit.Value
					}
				}
			}
			return true
		})
	}
	return src
}
