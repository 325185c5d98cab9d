package typed

import (
	"fmt"
	"strconv"

	"github.com/quipulog/quipu/crdt"
)

// VersionHeader names the header that holds the version of a payload, in decimal digits. It is left
// out of events of version 1.
const VersionHeader = "quipu-version"

const (
	firstVersion = 1
	// MaxVersion is the greatest version that a payload can have.
	MaxVersion = 1<<16 - 1
)

// versionHeaders returns the headers of an event whose payload has that version.
func versionHeaders(version int) []crdt.EventHeader {
	if version == firstVersion {
		return nil
	}
	return []crdt.EventHeader{{Name: VersionHeader, Value: strconv.Itoa(version)}}
}

// versionOf returns the version of an event's payload.
func versionOf(e crdt.Event) (int, error) {
	for _, h := range e.Headers {
		if h.Name != VersionHeader {
			continue
		}
		v, err := strconv.Atoi(h.Value)
		if err != nil || v < firstVersion || v > MaxVersion || strconv.Itoa(v) != h.Value {
			return 0, fmt.Errorf("header %s %.80q: expected a version from %d to %d", VersionHeader, h.Value, firstVersion, MaxVersion)
		}
		return v, nil
	}
	return firstVersion, nil
}
