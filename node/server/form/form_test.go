package form_test

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/server/form"
)

// full is an event with every field.
var full = crdt.Event{
	Kind: "k", Module: "m", Subject: "s", Time: time.Unix(1, 0).UTC(), ContentType: "application/json",
	Headers: []crdt.EventHeader{{Name: "n", Value: "v"}}, Payload: []byte(`{"a":1}`),
}

// TestFormsAreThose: what a type with its own JSON form writes has the fields that its form declares, and no others.
func TestFormsAreThose(t *testing.T) {
	log := eventlogtest.Open(t)
	place, err := log.Append(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := log.Prove(context.Background(), place)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := log.Lookup(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	entry.Disputed = true
	other := entry
	other.Payload = []byte{0xff}
	gone := entry
	gone.Gone = 3
	heard := full
	heard.Retention = crdt.Transient
	said := crdt.Broadcast{Event: heard, Author: place.Author, Clock: entry.Clock}

	for name, c := range map[string]struct {
		form  any
		wrote [][]byte // together they have all fields
	}{
		"entry":     {&form.Entry{}, [][]byte{marshal(t, entry), marshal(t, other)}},
		"gone":      {&form.Gone{}, [][]byte{marshal(t, gone)}},
		"proof":     {&form.EntryProof{}, [][]byte{marshal(t, proof)}},
		"event":     {&form.Event{}, [][]byte{marshal(t, entry), marshal(t, other), marshal(t, full)}},
		"broadcast": {&form.Broadcast{}, [][]byte{marshal(t, said), bytes.Replace(marshal(t, said), []byte(`"payload"`), []byte(`"payloadBase64"`), 1)}},
	} {
		written := make(map[string]bool)
		for _, b := range c.wrote {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(b, &fields); err != nil {
				t.Fatal(err)
			}
			for field := range fields {
				written[field] = true
			}
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(c.form).Elem()) {
			field, _, _ := bytes.Cut([]byte(f.Tag.Get("json")), []byte(","))
			if !f.Anonymous && !written[string(field)] {
				t.Errorf("%s: the form has %s, which nobody writes", name, field)
			}
			delete(written, string(field))
		}
		for field := range written {
			t.Errorf("%s: %s is written, and not in the form", name, field)
		}
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
