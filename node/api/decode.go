package api

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/crdt/nearest"
)

// Decode reads the one JSON value that is all of b into what into points to. A field that into does not
// have is an error that lists those that it has; errors speak of JSON, and never of Go's types. A byte order
// mark before the value is let pass.
func Decode(b []byte, into any) error {
	b, err := bom.Strip(b)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		// The decoder stops at the first field that it does not know, and then says nothing of the others.
		if unknown := unknownField(b, reflect.TypeOf(into)); unknown != nil {
			return unknown
		}
		return jsonError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows the JSON value")
	}
	return nil
}

// unknownField returns the error for the first field in value that t does not have, by name, or nil.
func unknownField(value json.RawMessage, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch p := reflect.PointerTo(t); {
	case p.Implements(reflect.TypeFor[json.Unmarshaler]()), p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return nil // it reads itself
	}
	switch t.Kind() {
	case reflect.Struct:
		return unknownMember(value, t)
	case reflect.Slice:
		var items []json.RawMessage
		_ = json.Unmarshal(value, &items) // what is no list has no fields
		for _, item := range items {
			if err := unknownField(item, t.Elem()); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknownMember is [unknownField] for a struct.
func unknownMember(value json.RawMessage, t reflect.Type) error {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(value, &members) // what is no object has no fields
	var known []string
	types := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			known = append(known, name)
			types[name] = f.Type
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		field, ok := types[name]
		if !ok {
			return nearest.Unknown("field", name, known)
		}
		if err := unknownField(members[name], field); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
	}
	return nil
}

// jsonError says what of a JSON text cannot be read.
func jsonError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not valid JSON: it is cut off")
	}
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
