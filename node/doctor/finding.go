package doctor

import (
	"fmt"

	"github.com/quipulog/quipu/crdt/enum"
)

// Severity says how bad a finding is.
type Severity uint8

const (
	OK   Severity = iota // as it should be
	Note                 // worth knowing, or not to be told from here
	Warn                 // somebody should look at it: it may hurt later
	Bad                  // somebody must act: it hurts
)

// severities are the words for them.
var severities = [...]string{"ok", "note", "warn", "bad"}

// Severities returns the words for severities, the least first.
func Severities() []string { return severities[:] }

func (s Severity) String() string { return severities[s] }

// MarshalText returns the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, word := range severities {
		if word == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("%q: expected %s", b, enum.OneOf(severities[:]))
}

// Finding is something that was looked at.
type Finding struct {
	// Check is what was looked at, in a word.
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	// What was found, and what to do about it; "" for nothing.
	What string `json:"what"`
	Do   string `json:"do,omitempty"`
}
