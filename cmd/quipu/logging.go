package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/quipulog/quipu/node/api"
)

// newLogger returns what the daemon logs with: lines of key=value pairs, or of JSON, to errs. Empty words
// are the defaults. Lines that are dropped because nobody takes them are counted in a line of the same form.
func newLogger(errs io.Writer, least, format string) *slog.Logger {
	var level slog.Level
	if least != "" {
		must(level.UnmarshalText([]byte(least))) // one of the words of log-level
	}
	handler := func(w io.Writer) slog.Handler {
		options := &slog.HandlerOptions{Level: level, ReplaceAttr: api.RedactAttr}
		if format == "json" {
			return slog.NewJSONHandler(w, options)
		}
		return slog.NewTextHandler(w, options)
	}
	if o, ok := errs.(*outlet); ok {
		o.logs(func(w io.Writer, lines int) error {
			r := slog.NewRecord(time.Now(), slog.LevelWarn, "lines were dropped here: nobody took them from stderr", 0)
			r.AddAttrs(slog.Int("lines", lines))
			return handler(w).Handle(context.Background(), r)
		})
	}
	return slog.New(handler(errs))
}
