package eventlog

import "fmt"

// Disputed says what a [Query] does with entries that are disputed: those that stand on a branch of a
// feed whose author signed two ops after one.
type Disputed uint8

const (
	// ShowDisputed takes disputed entries like all others.
	ShowDisputed Disputed = iota
	// HideDisputed leaves them out.
	HideDisputed
	// OnlyDisputed leaves all others out.
	OnlyDisputed
)

// ParseDisputed reads the text form; the empty text is the default, [ShowDisputed].
func ParseDisputed(s string) (Disputed, error) {
	switch s {
	case "", "show":
		return ShowDisputed, nil
	case "hide":
		return HideDisputed, nil
	case "only":
		return OnlyDisputed, nil
	}
	return 0, fmt.Errorf("%w: disputed %q: expected show, hide or only", ErrQuery, s)
}

// String returns "show", "hide" or "only".
func (d Disputed) String() string {
	switch d {
	case ShowDisputed:
		return "show"
	case HideDisputed:
		return "hide"
	case OnlyDisputed:
		return "only"
	}
	return fmt.Sprintf("disputed(%d)", uint8(d))
}

// takes reports whether an entry passes that is disputed or not.
func (d Disputed) takes(disputed bool) bool {
	return d == ShowDisputed || (d == OnlyDisputed) == disputed
}
