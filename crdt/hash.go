package crdt

import (
	"encoding/hex"
	"fmt"

	"github.com/quipulog/quipu/crdt/clip"
)

// Hash is a SHA-256 hash; its text form is 64 digits of lower-case hex.
type Hash [32]byte

// OpID names an op: SHA-256 of its header and signature. The zero OpID names no op; it stands as
// prev in an author's first op.
type OpID [32]byte

// LogID names a log: the first 16 bytes of the hash of its genesis. Its text form is 32 digits of
// lower-case hex.
type LogID [16]byte

// IsZero reports whether h is the hash of nothing.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns the text form.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns the text form.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads the text form.
func (h *Hash) UnmarshalText(text []byte) error { return unmarshalHex(h[:], text, "hash") }

// IsZero reports whether id names no op.
func (id OpID) IsZero() bool { return id == OpID{} }

// String returns the text form.
func (id OpID) String() string { return hex.EncodeToString(id[:]) }

// Branch returns the part of id that stands in a [Place].
func (id OpID) Branch() BranchID { return BranchID(id[:8]) }

// MarshalText returns the text form.
func (id OpID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text form.
func (id *OpID) UnmarshalText(text []byte) error { return unmarshalHex(id[:], text, "op id") }

// ParseLogID reads the text form.
func ParseLogID(s string) (LogID, error) {
	var id LogID
	err := unmarshalHex(id[:], []byte(s), "log id")
	return id, err
}

// IsZero reports whether id names no log.
func (id LogID) IsZero() bool { return id == LogID{} }

// String returns the text form.
func (id LogID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns the text form.
func (id LogID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is [ParseLogID].
func (id *LogID) UnmarshalText(text []byte) error { return unmarshalHex(id[:], text, "log id") }

// unmarshalHex is parseHex with an error that names what was read.
func unmarshalHex(dst, text []byte, what string) error {
	if err := parseHex(dst, string(text)); err != nil {
		return fmt.Errorf("%s %q: %w", what, clip.Text(string(text)), err)
	}
	return nil
}

// parseHex fills dst from exactly twice as many digits of lower-case hex.
func parseHex(dst []byte, s string) error {
	if len(s) != 2*len(dst) {
		return fmt.Errorf("expected %d hex digits, got %d characters", 2*len(dst), len(s))
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("expected lower-case hex digits, got %q", c)
		}
	}
	_, err := hex.Decode(dst, []byte(s))
	return err
}
