package cloudevent

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/bom"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/crdt/object"
)

// Parse reads a CloudEvent in the JSON form, which is all of b. Whether the event can be appended says [crdt.Event.Check].
func Parse(b []byte) (crdt.Event, error) {
	b, err := bom.Strip(b)
	if err != nil {
		return crdt.Event{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	var e event
	data := map[string][]byte{}
	err = object.Each(b, func(name string, value []byte) error {
		if name == "data" || name == "data_base64" {
			if data[name] != nil {
				return fmt.Errorf("%w: %s stands there twice", ErrInvalid, name)
			}
			data[name] = value
			return nil
		}
		text, set, err := attributeText(name, value)
		if err != nil || !set {
			return err
		}
		return e.attribute(name, text)
	})
	if err == nil {
		err = e.data(data["data"], data["data_base64"])
	}
	if err != nil && !errors.Is(err, ErrInvalid) {
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err != nil {
		return crdt.Event{}, err
	}
	return e.finish()
}

// ParseBatch reads a list of CloudEvents in the JSON form.
func ParseBatch(b []byte) ([]crdt.Event, error) {
	b, err := bom.Strip(b)
	var items []json.RawMessage
	if err == nil {
		err = object.Check(b)
	}
	if err == nil && json.Unmarshal(b, &items) != nil || string(b) == "null" {
		err = errors.New("expected a list of CloudEvents")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	events := make([]crdt.Event, len(items))
	for i, item := range items {
		if events[i], err = Parse(item); err != nil {
			return nil, fmt.Errorf("event %d of the batch: %w", i+1, err)
		}
	}
	return events, nil
}

// attributeText returns the text form of an attribute that is a JSON value, and whether it has one: what is null is not set.
func attributeText(name string, value []byte) (text string, set bool, err error) {
	isText := slices.Contains(core, name)
	switch {
	case string(value) == "null":
		return "", false, nil
	case value[0] == '"':
		text, err = object.Text(value)
	case !isText && (string(value) == "true" || string(value) == "false"):
		text = string(value)
	case !isText:
		n, wrong := strconv.ParseInt(string(value), 10, 32)
		if text = strconv.FormatInt(n, 10); wrong != nil || text != string(value) {
			err = fmt.Errorf("%s: expected a text, true, false or a whole number of 32 bits", clip.Text(string(value)))
		}
	default:
		err = fmt.Errorf("expected a text, got %s", clip.Text(string(value)))
	}
	if err != nil {
		err = fmt.Errorf("%w: attribute %s: %w", ErrInvalid, clip.Text(name), err)
	}
	return text, true, err
}

// data takes the data, by the name that it has. Its content type is known.
func (e *event) data(inline, encoded []byte) error {
	switch {
	case inline != nil && encoded != nil:
		return fmt.Errorf("%w: data and data_base64 stand for the same: give one of them", ErrInvalid)
	case encoded != nil:
		text, err := object.Text(encoded)
		if err == nil {
			e.Payload, err = base64.StdEncoding.Strict().DecodeString(text)
		}
		if err != nil {
			return fmt.Errorf("%w: data_base64: %w", ErrInvalid, err)
		}
	case inline != nil && e.SaysJSON():
		e.Payload = slices.Clone(inline)
		e.CompactPayload()
	case inline != nil:
		text, err := object.Text(inline)
		if err != nil {
			return fmt.Errorf("%w: data of the type %s: %w", ErrInvalid, clip.Text(e.ContentType), err)
		}
		e.Payload = []byte(text)
	}
	if len(e.Payload) == 0 {
		e.Payload = nil
	}
	return nil
}
