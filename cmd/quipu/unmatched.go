package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// warnUnmatched warns of the values of a query that no entry has: most often somebody has mistyped them.
func warnUnmatched(ctx context.Context, c *client.Client, q api.Query, warn func(string)) error {
	if len(q.Authors)+len(q.Kinds)+len(q.Modules)+len(q.Subjects) == 0 || q.Transient {
		return nil
	}
	unmatched, err := c.Unmatched(ctx, q)
	if err != nil {
		return err
	}
	for _, u := range unmatched {
		text := fmt.Sprintf("no entry here has the %s %s", u.What, quoted(u.Value))
		if begin, prefix := strings.CutSuffix(u.Value, eventlog.AnyKind); prefix && u.What == "kind" {
			text = fmt.Sprintf("no entry here has a kind that begins with %s", quoted(begin+"."))
		}
		if u.Nearest != "" {
			text += ": did you mean " + quoted(u.Nearest) + "?"
		}
		warn(text)
	}
	return nil
}

func quoted(s string) string { return `"` + printable(s) + `"` }

// kinds is a flag that takes kinds, several with commas between them.
type kinds struct{ all *[]string }

func (k *kinds) String() string { return "" }
func (k *kinds) Type() string   { return "kind" }

// Set splits the text at its commas, but for those behind a backslash.
func (k *kinds) Set(s string) error {
	if s == "" {
		return errors.New("expected a kind")
	}
	for s != "" {
		var kind strings.Builder
		for s != "" && s[0] != ',' {
			if strings.HasPrefix(s, `\,`) {
				s = s[1:]
			}
			kind.WriteByte(s[0])
			s = s[1:]
		}
		if kind.Len() == 0 || s == "," {
			return errors.New("expected a kind on both sides of a comma")
		}
		s = strings.TrimPrefix(s, ",")
		*k.all = append(*k.all, kind.String())
	}
	return nil
}

// kindFlag adds --kind.
func kindFlag(cmd *cobra.Command, all *[]string) {
	cmd.Flags().Var(&kinds{all}, "kind", "take entries of this `kind`; order.* takes all that begin with order. (several with commas, or repeat it)")
}
