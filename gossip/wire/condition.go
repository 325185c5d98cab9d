package wire

import "github.com/quipulog/quipu/crdt/enum"

// Condition is something that keeps a node from having, taking or writing what it could. A number that
// is not known here is kept, and shown as such.
type Condition uint8

// The conditions. 0 is none.
const (
	// ConditionStuck: there is no room on the disk for what is to be stored.
	ConditionStuck Condition = 1 + iota
	// ConditionStarved: others have more of an author, without bodies that the node's policy keeps.
	ConditionStarved
	// ConditionShut: the node takes no more of an author.
	ConditionShut
	// ConditionSecondWriter: somebody else writes with the node's key, so it appends nothing.
	ConditionSecondWriter
	// ConditionReadOnly: the disk failed, and nothing is stored until the file has been verified.
	ConditionReadOnly
	// ConditionDamaged: a part of the node's file is not as it was written.
	ConditionDamaged
	// ConditionRecovering: the node may not know the end of its own feed, so it appends nothing.
	ConditionRecovering
	// ConditionClock: the node's wall clock disagrees with those of most of its peers, so it does not trim.
	ConditionClock
)

// String returns the condition as a word or two.
func (c Condition) String() string {
	return enum.Text(c, "condition", "", "stuck", "starved", "shut", "second writer", "read-only", "damaged", "recovering", "clock")
}
