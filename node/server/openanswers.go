package server

import (
	"encoding/json"
	"maps"
	"strings"
)

// parsed is an OpenAPI document, or the parts of it that are looked at here.
type parsed struct {
	whole   map[string]any
	schemas map[string]any
}

func parseDocument(doc []byte) (p parsed, err error) {
	if err = json.Unmarshal(doc, &p.whole); err == nil {
		p.schemas = p.whole["components"].(map[string]any)["schemas"].(map[string]any)
	}
	return p, err
}

// openAnswers returns the document, whose schemas take no field that they do not name, with those of answers open to
// others. A schema that requests refer to, too, is there twice then: for them under its name and "Request".
func openAnswers(doc []byte) ([]byte, error) {
	d, err := parseDocument(doc)
	if err != nil {
		return nil, err
	}
	closed, err := parseDocument(doc)
	if err != nil {
		return nil, err
	}
	d.describeFields()
	closed.describeFields()
	asked, told := make(map[string]bool), make(map[string]bool)
	d.eachOperation(func(op map[string]any) {
		d.reach(op["requestBody"], asked)
		d.reach(op["responses"], told)
	})
	for name := range asked {
		if told[name] {
			d.schemas[name+"Request"] = closed.schemas[name]
		}
	}
	rename := func(o map[string]any) {
		if name, ok := refOf(o); ok && told[name] {
			o["$ref"] = schemaPrefix + name + "Request"
		}
	}
	d.eachOperation(func(op map[string]any) { eachObject(op["requestBody"], rename) })
	for name := range asked {
		if told[name] {
			name += "Request"
		}
		eachObject(d.schemas[name], rename)
	}
	for name := range told {
		eachObject(d.schemas[name], func(o map[string]any) {
			if o["additionalProperties"] == false {
				delete(o, "additionalProperties")
			}
		})
	}
	return json.Marshal(d.whole)
}

func (d parsed) eachOperation(visit func(op map[string]any)) {
	for _, path := range d.whole["paths"].(map[string]any) {
		for _, op := range path.(map[string]any) {
			visit(op.(map[string]any))
		}
	}
}

// reach adds the names of the schemas that v leads to.
func (d parsed) reach(v any, names map[string]bool) {
	eachObject(v, func(o map[string]any) {
		if name, ok := refOf(o); ok && !names[name] {
			names[name] = true
			d.reach(d.schemas[name], names)
		}
	})
}

// refOf returns the name of the schema that an object refers to.
func refOf(o map[string]any) (name string, ok bool) {
	ref, ok := o["$ref"].(string)
	return strings.TrimPrefix(ref, schemaPrefix), ok
}

// eachObject visits the objects of a JSON value.
func eachObject(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for part := range maps.Values(v) {
			eachObject(part, visit)
		}
	case []any:
		for _, part := range v {
			eachObject(part, visit)
		}
	}
}
