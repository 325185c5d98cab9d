package main

import (
	"time"

	"github.com/quipulog/quipu/node/age"
)

// timeHelp explains what the flags take that take a time.
const timeHelp = `A time is written as in RFC 3339 (2024-05-01T12:00:00Z, or with an offset from
UTC: "2024-05-01 14:00:00+02:00"), as a date, which stands for its beginning in
UTC (2024-05-01), or as an age, which stands for so long ago (90m, 36h, 14d).`

// timeFlag is a flag that takes one.
type timeFlag struct{ t *time.Time }

func (f timeFlag) String() string { return "" }
func (f timeFlag) Type() string   { return "time" }

func (f timeFlag) Set(s string) (err error) {
	*f.t, err = age.ParseTime(s, time.Now())
	return err
}
