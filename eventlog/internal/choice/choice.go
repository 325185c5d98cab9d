// Package choice is which texts, and which entries, a query takes.
package choice

import (
	"slices"
	"strings"
)

// AnyKind ends a kind that stands for all kinds that begin with the text before its star.
const AnyKind = ".*"

// Texts is a set of texts; an empty one takes everything.
type Texts map[string]struct{}

// NewTexts returns the set of some texts.
func NewTexts(texts []string) Texts {
	if len(texts) == 0 {
		return nil
	}
	s := make(Texts, len(texts))
	for _, t := range texts {
		s[t] = struct{}{}
	}
	return s
}

// Takes reports whether a text passes.
func (s Texts) Takes(text string) bool {
	if len(s) == 0 {
		return true
	}
	_, ok := s[text]
	return ok
}

// Kinds takes the kinds of a set, and those with a prefix; none of both takes everything.
type Kinds struct {
	whole    Texts
	prefixes []string
}

// NewKinds returns what takes some kinds, of which those that end in [AnyKind] are prefixes.
func NewKinds(kinds []string) (k Kinds) {
	var whole []string
	for _, t := range kinds {
		if IsPrefix(t) {
			k.prefixes = append(k.prefixes, t[:len(t)-1])
		} else {
			whole = append(whole, t)
		}
	}
	k.whole = NewTexts(whole)
	return k
}

// IsPrefix reports whether a kind ends in [AnyKind].
func IsPrefix(kind string) bool { return strings.HasSuffix(kind, AnyKind) }

// Takes reports whether a kind passes.
func (k *Kinds) Takes(kind string) bool {
	if len(k.prefixes) == 0 {
		return k.whole.Takes(kind)
	}
	return len(k.whole) > 0 && k.whole.Takes(kind) ||
		slices.ContainsFunc(k.prefixes, func(prefix string) bool { return strings.HasPrefix(kind, prefix) })
}
