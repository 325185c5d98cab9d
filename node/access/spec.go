package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
)

// ErrToken is wrapped by the errors of [Store.Create] that say why there can be no such token.
var ErrToken = errors.New("invalid token")

// check says why there can be no token like t, or nil.
func check(t api.Token) error {
	switch {
	case !isName(t.Name):
		return fmt.Errorf("%w: name %.80q: expected 1 to %d letters, digits, dots, dashes, underscores or @, the first a letter or a digit", ErrToken, t.Name, maxName)
	case len(t.Scopes) == 0:
		return fmt.Errorf("%w: no scope: expected %s", ErrToken, enum.OneOf(scopes))
	}
	for i, scope := range t.Scopes {
		if !slices.Contains(scopes, string(scope)) {
			return fmt.Errorf("%w: scope %.80q: expected %s", ErrToken, scope, enum.OneOf(scopes))
		}
		if slices.Contains(t.Scopes[:i], scope) {
			return fmt.Errorf("%w: scope %s stands there twice", ErrToken, scope)
		}
		if len(t.Kinds)+len(t.Subjects) > 0 && scope != api.ScopeRead && scope != api.ScopeAppend {
			return fmt.Errorf("%w: one for some kinds or subjects reaches entries, tail and append alone: expected scope %s or %s, got %s", ErrToken, api.ScopeRead, api.ScopeAppend, scope)
		}
	}
	if len(t.Kinds) > maxNarrow || len(t.Subjects) > maxNarrow {
		return fmt.Errorf("%w: %d kinds and %d subjects: expected at most %d of each", ErrToken, len(t.Kinds), len(t.Subjects), maxNarrow)
	}
	for _, kind := range t.Kinds {
		whole := strings.TrimSuffix(kind, eventlog.AnyKind)
		if err := (crdt.Event{Kind: kind}).Check(); err != nil || whole == "" || strings.Contains(whole, "*") {
			return fmt.Errorf("%w: kind %.80q: expected a kind, or what kinds begin with and %q", ErrToken, kind, eventlog.AnyKind)
		}
	}
	for _, subject := range t.Subjects {
		if err := (crdt.Event{Kind: "k", Subject: subject}).Check(); err != nil || subject == "" {
			return fmt.Errorf("%w: subject %.80q: expected what subjects begin with", ErrToken, subject)
		}
	}
	return nil
}

var scopes = []string{string(api.ScopeRead), string(api.ScopeAppend), string(api.ScopeMetrics), string(api.ScopeAdmin)}

// isName reports whether a text can be the name of a token: it stands in headers, logs and paths as it is.
func isName(name string) bool {
	const first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return name != "" && len(name) <= maxName && strings.Contains(first, name[:1]) && strings.Trim(name, first+"._@-") == ""
}
