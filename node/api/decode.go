package api

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/crdt/object"
)

// Decode reads the one JSON value that is all of b into what into points to. A field that into does not
// have is an error that lists those that it has, and one that stands there twice is one too; errors speak of
// JSON, and never of Go's types. A byte order mark before the value is let pass.
func Decode(b []byte, into any) error {
	b, err := bom.Strip(b)
	if err == nil {
		err = checkFields(b, reflect.TypeOf(into))
	}
	if err != nil {
		return err
	}
	return jsonError(json.Unmarshal(b, into))
}

// checkFields holds the objects in value against the fields of t, and leaves the rest to encoding/json.
func checkFields(value []byte, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch p := reflect.PointerTo(t); {
	case p.Implements(reflect.TypeFor[json.Unmarshaler]()), p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return nil // it reads itself
	}
	switch {
	case t.Kind() == reflect.Struct && string(value) != "null":
		var fields object.Fields
		types := map[string]reflect.Type{}
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				fields.Known = append(fields.Known, name)
				types[name] = f.Type
			}
		}
		return fields.Read(value, func(name string, value []byte) error { return checkFields(value, types[name]) })
	case t.Kind() == reflect.Slice:
		var items []json.RawMessage
		_ = json.Unmarshal(value, &items) // what is no list has no fields
		for _, item := range items {
			if err := checkFields(item, t.Elem()); err != nil {
				return err
			}
		}
	}
	return nil
}

// jsonError says what of a JSON text cannot be read.
func jsonError(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not valid JSON: %w", syntax)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = fmt.Errorf("expected %s, got a JSON %s", expected(wrong.Type), wrong.Value)
		if wrong.Field != "" {
			err = fmt.Errorf("field %q: %w", wrong.Field, err)
		}
	}
	return err
}

// expected says which JSON value a Go type is read from.
func expected(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice:
		return "a list"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "a whole number"
	}
	return "a text"
}
