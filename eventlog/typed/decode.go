package typed

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Entry is an entry of the log with the value that its payload says.
type Entry[T any] struct {
	// Entry is the entry as it stands in the log, with the memory that it shares: see
	// [eventlog.Entry.Clone].
	eventlog.Entry
	// Value is what the payload says, upgraded to the newest version. It shares no memory with Entry.
	Value T
	// Version is that of the payload as it stands in the log.
	Version int
	// Instance is the instance of the module, "" if there is none.
	Instance string
}

// MismatchError is returned for an entry of another type than the one that it is decoded as.
type MismatchError struct {
	Place crdt.Place
	// What says what differs: "kind", "module" or "content type".
	What      string
	Got, Want string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("entry %s has %s %q, not %q", e.Place, e.What, e.Got, e.Want)
}

// DecodeError is returned for an entry of the right kind and module whose payload cannot be read.
type DecodeError struct {
	Place        crdt.Place
	Kind, Module string
	// Version is the payload's, 0 if it cannot be read.
	Version int
	// Err is the error of the codec, of an upgrade or of the declaration's Check.
	Err error
}

// Error returns a text of bounded length, though Err may repeat what somebody has written.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("decode %q at %s: payload: %.300s", e.Kind, e.Place, e.Err)
}

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

// VersionError is returned for an entry whose payload has a version that is not read here: a newer program
// has written it, or it is older than Declaration.Oldest.
type VersionError struct {
	Place        crdt.Place
	Kind, Module string
	// Got is the version of the payload; Oldest and Newest are the oldest and the newest version that is
	// read.
	Got, Oldest, Newest int
}

func (e *VersionError) Error() string {
	what := "is newer than this program knows"
	if e.Got < e.Oldest {
		what = "is older than this program reads"
	}
	return fmt.Sprintf("decode %q at %s: payload version %d %s: expected %d to %d", e.Kind, e.Place, e.Got, what, e.Oldest, e.Newest)
}

// Decode returns the entry with the value that its payload says. Beside an error, which is a
// [*MismatchError], a [*VersionError] or a [*DecodeError], the entry is returned as it is, with a zero
// Value.
func (t *Type[T]) Decode(e eventlog.Entry) (Entry[T], error) {
	typed := Entry[T]{Entry: e}
	var ok bool
	if e.Kind != t.d.Kind {
		return typed, &MismatchError{Place: e.Place(), What: "kind", Got: e.Kind, Want: t.d.Kind}
	}
	if typed.Instance, ok = t.takesModule(e.Module); !ok {
		return Entry[T]{Entry: e}, &MismatchError{Place: e.Place(), What: "module", Got: e.Module, Want: t.Module()}
	}
	version, err := versionOf(e.Event)
	if err != nil {
		return typed, t.decodeError(e, 0, err)
	}
	typed.Version = version
	if version < t.d.Oldest || version > t.d.Version {
		return typed, &VersionError{Place: e.Place(), Kind: e.Kind, Module: e.Module, Got: version, Oldest: t.d.Oldest, Newest: t.d.Version}
	}
	if want := t.contentType(version); !sameType(e.ContentType, want) {
		return typed, &MismatchError{Place: e.Place(), What: "content type", Got: mediaType(e.ContentType), Want: mediaType(want)}
	}
	v, err := t.decode(e.Event, version)
	if err != nil {
		return typed, t.decodeError(e, version, err)
	}
	typed.Value = v
	return typed, nil
}

// decode reads a payload of a version that is read.
func (t *Type[T]) decode(e crdt.Event, version int) (v T, err error) {
	s, err := upgrade(e, t.d.Upgrades[version-t.d.Oldest:])
	if err != nil {
		return v, err
	}
	var ok bool
	if v, ok = s.value.(T); !ok {
		if v, err = t.d.Codec.Decode(s.event.Payload); err != nil {
			return v, err
		}
	}
	if t.d.Check != nil {
		err = t.d.Check(v)
	}
	return v, err
}

// contentType returns that of payloads of a version that is read.
func (t *Type[T]) contentType(version int) string {
	if version < t.d.Version {
		if c := t.d.Upgrades[version-t.d.Oldest].ContentType; c != "" {
			return c
		}
	}
	return t.d.Codec.ContentType()
}

func (t *Type[T]) decodeError(e eventlog.Entry, version int, err error) error {
	return &DecodeError{Place: e.Place(), Kind: e.Kind, Module: e.Module, Version: version, Err: err}
}
