package server

import (
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quipulog/quipu/node/server/form"
)

// schemaPrefix is what a reference to a schema begins with.
const schemaPrefix = "#/components/schemas/"

// newSchemas returns a registry that makes the schemas of types.
func newSchemas() huma.Registry {
	schemas := huma.NewMapRegistry(schemaPrefix, schemaName)
	for t, has := range form.Of {
		schemas.RegisterTypeAlias(t, has)
	}
	return schemas
}

// schemaName names the schema of a type: by the type, and before it the package's name where that is none of those whose
// types all have names of their own.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch pkg := path.Base(t.PkgPath()); pkg {
	case ".", "api", "crdt", "form", "server", strings.ToLower(name):
		return name
	default:
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
}

// noSchemas is the registry of a router that only serves, of which nobody reads the schemas: they are what takes time.
// By what it returns everything is valid; what a request holds is checked by who takes it.
type noSchemas struct{}

func (noSchemas) Schema(reflect.Type, bool, string) *huma.Schema { return &huma.Schema{} }
func (noSchemas) SchemaFromRef(string) *huma.Schema              { return &huma.Schema{} }
func (noSchemas) TypeFromRef(string) reflect.Type                { return nil }
func (noSchemas) Map() map[string]*huma.Schema                   { return nil }
func (noSchemas) RegisterTypeAlias(reflect.Type, reflect.Type)   {}

// schemaOf returns the schema of the type of a value, or of all types of [oneOf].
func (rt *router) schemaOf(v any) *huma.Schema {
	if types, several := v.(oneOf); several {
		var all []*huma.Schema
		for _, v := range types {
			all = append(all, rt.schemaOf(v))
		}
		return &huma.Schema{AnyOf: all}
	}
	t := reflect.TypeOf(v)
	return rt.api.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}
