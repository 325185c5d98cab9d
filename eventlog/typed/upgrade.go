package typed

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/quipulog/quipu/crdt"
)

// Upgrade turns a payload of one version into one of the next: a payload into a payload, as a struct with a
// Payload, or a Go value into a Go value, see [UpgradeValue]. Its function always returns the same for the
// same entry. It is given whatever anybody has written, and returns an error for what it cannot read.
type Upgrade struct {
	// From is the version of the payloads that it reads; it returns payloads of version From + 1.
	From int
	// ContentType is that of payloads of version From; empty means that of the type's [Codec].
	ContentType string
	// Payload returns the payload of the next version. old is the event as it stands in the log, but with a
	// payload that earlier upgrades have brought to version From. Payload does not write to old.
	Payload func(old crdt.Event) ([]byte, error)

	value *valueStep // instead of Payload
}

// valueStep is an upgrade from one Go type to another.
type valueStep struct {
	old, next reflect.Type
	// run is given the value of version From, or its payload if v is nil.
	run func(payload []byte, v any) (any, error)
	// encode returns what run returned as JSON.
	encode func(v any) ([]byte, error)
}

// UpgradeValue returns an upgrade between the Go types that stand for two versions. The payloads of version
// from are JSON, read as [JSON] does.
func UpgradeValue[Old, Next any](from int, fn func(old Old) (Next, error)) Upgrade {
	step := &valueStep{
		old: reflect.TypeFor[Old](), next: reflect.TypeFor[Next](),
		run: func(payload []byte, v any) (any, error) {
			old, ok := v.(Old)
			if !ok {
				var err error
				if old, err = (JSON[Old]{}).Decode(payload); err != nil {
					return nil, err
				}
			}
			return fn(old)
		},
		encode: func(v any) ([]byte, error) {
			next, _ := v.(Next)
			return JSON[Next]{}.Encode(next)
		},
	}
	if fn == nil {
		step = nil
	}
	return Upgrade{From: from, ContentType: jsonType, value: step}
}

// chain is what [checkUpgrades] holds against each other.
type chain struct {
	oldest, newest int
	steps          []Upgrade
	value          reflect.Type // of the newest version
	contentType    string       // of the newest version
}

// checkUpgrades says why the upgrades do not lead from the oldest version to the newest.
func checkUpgrades(c chain) error {
	for i, u := range c.steps {
		switch want := c.oldest + i; {
		case u.From != want:
			return fmt.Errorf("upgrade %d is from version %d: expected one from version %d; upgrades stand in order, without a gap", i+1, u.From, want)
		case (u.Payload == nil) == (u.value == nil):
			return fmt.Errorf("upgrade from version %d: expected one function, Payload or that of UpgradeValue", u.From)
		}
		if err := c.fits(i); err != nil {
			return fmt.Errorf("upgrade from version %d: %w", u.From, err)
		}
	}
	if reached := c.oldest + len(c.steps); reached != c.newest {
		return fmt.Errorf("upgrades lead from version %d to %d, not to %d: expected one from each version to the next", c.oldest, reached, c.newest)
	}
	return nil
}

// fits says why what step i returns is not what follows it.
func (c chain) fits(i int) error {
	step := c.steps[i].value
	if step == nil {
		return nil
	}
	var next reflect.Type
	contentType := c.contentType
	if i+1 == len(c.steps) {
		next = c.value
	} else {
		after := c.steps[i+1]
		if after.ContentType != "" {
			contentType = after.ContentType
		}
		if after.value != nil {
			next = after.value.old
		}
	}
	switch {
	case next != nil && next != step.next:
		return fmt.Errorf("it returns %s, and version %d is %s", step.next, c.steps[i].From+1, next)
	case next == nil && !sameType(contentType, jsonType):
		return fmt.Errorf("it returns JSON, and version %d is %s: use an upgrade of payloads", c.steps[i].From+1, contentType)
	}
	return nil
}

var errNoValue = errors.New("it returned no value")

// state is how far an event's payload was upgraded: as the payload of event or, after a step of Go
// values, as value.
type state struct {
	event crdt.Event
	value any
	// encode returns value as JSON.
	encode func(v any) ([]byte, error)
}

// upgrade brings the payload of e to the newest version.
func upgrade(e crdt.Event, steps []Upgrade) (s state, err error) {
	s.event = e
	for _, u := range steps {
		if u.value != nil {
			err = s.takeValue(u.value)
		} else {
			err = s.takePayload(u.Payload)
		}
		if err != nil {
			return state{}, fmt.Errorf("upgrade from version %d: %w", u.From, err)
		}
	}
	return s, nil
}

func (s *state) takeValue(step *valueStep) (err error) {
	s.value, err = step.run(s.event.Payload, s.value)
	if err == nil && s.value == nil {
		return errNoValue
	}
	s.encode = step.encode
	return err
}

func (s *state) takePayload(step func(crdt.Event) ([]byte, error)) (err error) {
	if s.value != nil {
		if s.event.Payload, err = s.encode(s.value); err != nil {
			return err
		}
		s.value = nil
	}
	s.event.Payload, err = step(s.event)
	return err
}
