package disk

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Damage is returned where the file is not as it was written: cut short, overwritten, or on a disk that
// gives back other bytes.
type Damage struct {
	What string // what is damaged: "the file", "meta page 1"
	Err  error  // how the damage was found
	// Stack is where a fault was met that was recovered from; nil where a check has found the damage.
	Stack []byte
}

func (d *Damage) Error() string { return fmt.Sprintf("%s is damaged: %v", d.What, d.Err) }

// Unwrap returns how the damage was found.
func (d *Damage) Unwrap() error { return d.Err }

// damaged makes [Damage] of the file of what is wrong with a page; nil of nil. That another process writes is none.
func damaged(err error) error {
	if err == nil || errors.Is(err, ErrOvertaken) {
		return err
	}
	return &Damage{What: "the file", Err: err}
}

func isDamage(err error) bool {
	_, is := errors.AsType[*Damage](err)
	return is
}

// guard runs fn, which touches the mapped file, and turns its panics into [Damage]. Where a page has
// become damaged since it was checked bbolt panics, and where the file ends the processor faults (SIGBUS,
// SIGSEGV), which [debug.SetPanicOnFault] makes a panic too. It is the one place that recovers.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = &Damage{What: "the file", Err: fmt.Errorf("fault while reading it: %v", fault), Stack: debug.Stack()}
		}
	}()
	return fn()
}
