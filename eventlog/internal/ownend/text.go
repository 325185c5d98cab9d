package ownend

import (
	"fmt"
	"strings"

	"github.com/quipulog/quipu/crdt"
)

// texts say in words why the end of our feed may not be known, by the number of the reason.
var texts = [...]string{
	"",
	"this folder is older than what this node has written before: restored from a backup?",
	"this node's key is older than its folder: what was written with it before is not known here",
	"this folder is a copy of the one that was written to: restored from a backup?",
	"this folder was overwritten with an older state of itself: restored from a backup?",
	"the end of this node's own feed cannot be read",
	"this folder is not where it was when it was last written to",
	"this folder was restored from a backup, and this node may have written more since",
}

// mostMissing bounds the members that a text names.
const mostMissing = 4

// Reason returns the words for a reason.
func Reason(why uint8) string {
	if int(why) < len(texts) {
		return texts[why]
	}
	return fmt.Sprintf("reason %d", why)
}

// Text says in a line why the end of our feed may not be known, how that was found, and who has not been asked yet.
func Text(why uint8, detail string, missing []crdt.Author) string {
	var b strings.Builder
	b.WriteString(Reason(why))
	if detail != "" {
		fmt.Fprintf(&b, " (%s)", detail)
	}
	for i, a := range missing {
		switch {
		case i == 0:
			b.WriteString("; not asked yet: " + a.Short())
		case i < mostMissing:
			b.WriteString(", " + a.Short())
		case i == mostMissing:
			fmt.Fprintf(&b, " and %d others", len(missing)-i)
		}
	}
	return b.String()
}

// Beyond says in words that an op of ours came from behind end, where our feed ended here.
func Beyond(op crdt.Signed, end crdt.Head) string {
	author, here := op.Author.Short(), "none was here"
	if end.Next > 0 {
		here = fmt.Sprintf("the last one here was %s/%d", author, end.Next-1)
	}
	return fmt.Sprintf("its own entry %s/%d came from elsewhere, and %s", author, op.First, here)
}
