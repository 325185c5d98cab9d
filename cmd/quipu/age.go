package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/quipulog/quipu/node/age"
	bytesize "github.com/quipulog/quipu/node/size"
)

// ageFlag is a flag that takes an age, and knows whether it was given.
type ageFlag struct{ p **age.Age }

func (f ageFlag) String() string { return "" }
func (f ageFlag) Type() string   { return "age" }

func (f ageFlag) Set(s string) error {
	a, err := age.Parse(s)
	if err == nil {
		*f.p = &a
	}
	return err
}

// spanFlag is a flag that takes a span of time, written as an age is.
type spanFlag struct{ d *time.Duration }

func (f spanFlag) String() string {
	if f.d == nil || *f.d == 0 {
		return ""
	}
	return age.Age(*f.d).String()
}

func (f spanFlag) Type() string { return "span" }

func (f spanFlag) Set(s string) error {
	a, err := age.Parse(s)
	if err == nil {
		*f.d = time.Duration(a)
	}
	return err
}

// countFlag is a flag that takes a number, 0 or more, and knows whether it was given.
type countFlag struct{ p **uint64 }

func (f countFlag) String() string { return "" }
func (f countFlag) Type() string   { return "number" }

func (f countFlag) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 53)
	if err != nil {
		return fmt.Errorf("%q: expected a number, 0 or more and below 2^53", s)
	}
	*f.p = &n
	return nil
}

// sizeFlag is a flag for a size that is not 0.
type sizeFlag struct{ p *bytesize.Size }

func (f sizeFlag) Set(text string) (err error) {
	if *f.p, err = bytesize.Parse(text); err == nil && *f.p == 0 {
		err = usagef("expected more than 0, such as 20GiB")
	}
	return err
}

func (f sizeFlag) String() string { return "" }
func (f sizeFlag) Type() string   { return "size" }
