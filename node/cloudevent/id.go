package cloudevent

import (
	"crypto/sha256"
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// maxID bounds an [ID], in bytes.
const maxID = 255

// ID returns what names an event that came as a CloudEvent, of which no two are to have the same: its source and id, with a
// space between them, which no source has; of long ones "sha256:" and the hash of that in hex.
func ID(e crdt.Event) string {
	id := e.Module + " " + e.Header(headerID)
	if len(id) > maxID {
		return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(id)))
	}
	return id
}
