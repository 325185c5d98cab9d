package api

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is what proves that somebody may do something: a token, a ticket. However it is printed, logged or encoded, it
// shows nothing of itself; a conversion to string does.
type Secret string

// redacted stands for a secret in all that people or programs read.
const redacted = "(secret)"

// Format writes [redacted] for every verb.
func (s Secret) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, redacted) }

// LogValue returns [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted].
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
