package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// names are those of the authors' nodes that the node knows, by author in hex. Nobody vouches for them.
type names map[string]string

// namesAt returns the names that the node at c knows.
func namesAt(ctx context.Context, c *api.Client) (names, error) {
	known, err := c.Authors(ctx)
	if err != nil {
		return nil, err
	}
	all := make(names)
	for _, a := range known {
		if a.Name != "" {
			all[a.Author.String()] = a.Name
		}
	}
	return all, nil
}

// nameFields are names as fields of a JSON object, `,"name":"…"`, by author in hex.
type nameFields map[string][]byte

func (n names) fields() nameFields {
	all := make(nameFields, len(n))
	for author, name := range n {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(name) // a string, into memory
		all[author] = append([]byte(`,"name":`), bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
	}
	return all
}

// authorField is how the JSON form of an entry begins, and authorEnd where its author ends.
const (
	authorField = `{"author":"`
	authorEnd   = len(authorField) + 2*len(crdt.Author{})
)

// put returns the line with the name of its author's node behind the author, where that is known.
func (n nameFields) put(line api.Line) api.Line {
	if len(line) <= authorEnd || !bytes.HasPrefix(line, []byte(authorField)) {
		return line
	}
	field := n[string(line[len(authorField):authorEnd])]
	if len(field) == 0 {
		return line
	}
	return slices.Concat(line[:authorEnd+1], field, line[authorEnd+1:])
}

// putAll is put for lines that end in a newline each.
func (n nameFields) putAll(lines []byte) []byte {
	if len(n) == 0 {
		return lines
	}
	var all []byte
	for line := range bytes.Lines(lines) {
		all = append(all, n.put(line)...)
	}
	return all
}
