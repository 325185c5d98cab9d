package typed

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
)

// Declaration says what the events of the Go type T are. Only Kind is required. Its functions always return
// the same for a value, and may be called by many goroutines at once.
type Declaration[T any] struct {
	// Kind is the kind of the events: 1 to 255 bytes, none of quipu's own.
	Kind string
	// Module is the kind of module whose events these are: up to 255 bytes, without a slash. Empty stands
	// for events without a module only.
	Module string
	// Retention is the events' class: persistent unless set. Entries of another class, written before it
	// was changed, are read all the same.
	Retention crdt.Retention

	// Subject returns what an event is about. Nil: events have no subject.
	Subject func(v T) string
	// Time returns when an event happened. Nil, and the zero time, stand for the time of the append.
	Time func(v T) time.Time
	// Check returns why a value cannot be an event, or nil. It is called before a value is appended and
	// after one is decoded: a payload may leave fields out, and Check says which. Nil allows every value.
	Check func(v T) error
	// Codec turns values into payloads of Version and back: [JSON] unless set.
	Codec Codec[T]

	// Version is the version of the payloads that Codec writes: 1 to 65,535. 0 stands for the version to
	// which the upgrades lead, 1 if there are none.
	Version int
	// Oldest is the oldest version that is read: 1 unless set. It is raised when no entry of an older
	// version is left.
	Oldest int
	// Upgrades lead from each version to the next, in order: the first from Oldest, the last to Version.
	Upgrades []Upgrade
}

// Type is a declaration that was checked, see [Define]. Many goroutines may use one at once.
type Type[T any] struct {
	d        Declaration[T]
	instance string
}

// Define checks a declaration. Its errors say what is wrong with the declaration: a program does not run
// with them.
func Define[T any](d Declaration[T]) (*Type[T], error) {
	if d.Codec == nil {
		d.Codec = JSON[T]{}
	}
	d.Oldest = cmp.Or(d.Oldest, firstVersion)
	d.Version = cmp.Or(d.Version, d.Oldest+len(d.Upgrades))
	d.Upgrades = append([]Upgrade(nil), d.Upgrades...)
	t := &Type[T]{d: d}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("define %s as %q: %w", reflect.TypeFor[T](), d.Kind, err)
	}
	return t, nil
}

// MustDefine is [Define] for variables of a package: it panics where that returns an error.
func MustDefine[T any](d Declaration[T]) *Type[T] {
	t, err := Define(d)
	if err != nil {
		panic(err)
	}
	return t
}

func (t *Type[T]) check() error {
	sample := t.event(nil)
	sample.Headers = versionHeaders(t.d.Version)
	if err := sample.Check(); err != nil {
		return err
	}
	switch {
	case sample.Reserved():
		return fmt.Errorf("%w: it begins with %q", eventlog.ErrReserved, crdt.ReservedPrefix)
	case strings.Contains(t.d.Module, "/"):
		return fmt.Errorf("module %q has a slash, which stands before an instance: expected the module's kind", t.d.Module)
	case t.d.Oldest < firstVersion || t.d.Version > MaxVersion || t.d.Oldest > t.d.Version:
		return fmt.Errorf("versions %d to %d: expected a range from %d up to %d", t.d.Oldest, t.d.Version, firstVersion, MaxVersion)
	}
	return checkUpgrades(chain{
		oldest: t.d.Oldest, newest: t.d.Version, steps: t.d.Upgrades,
		value: reflect.TypeFor[T](), contentType: t.d.Codec.ContentType(),
	})
}

// In returns the type for one instance of its module: "7" for the events of module "shop/7". That type
// appends and reads the events of that instance only.
func (t *Type[T]) In(instance string) (*Type[T], error) {
	in := &Type[T]{d: t.d, instance: instance}
	err := in.event(nil).Check()
	switch {
	case t.d.Module == "":
		err = errors.New("the type has no module that could have instances")
	case instance == "":
		err = errors.New("it has no name")
	}
	if err != nil {
		return nil, fmt.Errorf("instance %.80q of %q: %w", instance, t.d.Kind, err)
	}
	return in, nil
}

// Kind returns the kind of the events.
func (t *Type[T]) Kind() string { return t.d.Kind }

// Module returns the module of the events that are appended: the declared Module, and after a slash the
// instance if there is one.
func (t *Type[T]) Module() string {
	if t.instance == "" {
		return t.d.Module
	}
	return t.d.Module + "/" + t.instance
}

// Version returns the version of the payloads that are appended.
func (t *Type[T]) Version() int { return t.d.Version }

// name is what tells types apart in a [Set]: a kind and a module, with its instance if it has one.
type name struct{ kind, module string }

func (t *Type[T]) name() name { return name{t.d.Kind, t.Module()} }

// takesModule reports whether the type reads events of a module, and of which instance that is.
func (t *Type[T]) takesModule(module string) (instance string, ok bool) {
	kind, instance, has := strings.Cut(module, "/")
	if has && (instance == "" || kind == "") {
		return "", false
	}
	return instance, kind == t.d.Module && (t.instance == "" || t.instance == instance)
}
