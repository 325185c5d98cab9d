package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/crdt/clip"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// leastDigits is how many hex digits of an author are typed at least.
const leastDigits = 4

// sought are authors and places as they were typed: an author in full, by his first digits, or by the name of
// his node.
type sought struct {
	authors []string
	from    string
}

// add adds --author.
func (s *sought) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&s.authors, "author", nil, "take entries by this `author`: his first digits, or the name of his node (repeat it for several)")
}

// find puts what was typed into a query.
func (s *sought) find(ctx context.Context, c *client.Client, q *api.Query) (err error) {
	if q.Authors, err = s.findAuthors(ctx, c); err != nil || s.from == "" {
		return err
	}
	p, err := findPlace(ctx, c, s.from)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	q.From = &p
	return nil
}

func (s *sought) findAuthors(ctx context.Context, c *client.Client) (found []crdt.Author, err error) {
	for _, text := range s.authors {
		a, err := findAuthor(ctx, c, text)
		if err != nil {
			return nil, fmt.Errorf("--author: %w", err)
		}
		found = append(found, a)
	}
	return found, nil
}

// findPlace returns the place that is written AUTHOR/SEQ or AUTHOR/SEQ@BRANCH, whose author may be cut to his
// first digits or be the name of a node.
func findPlace(ctx context.Context, c *client.Client, text string) (crdt.Place, error) {
	if err := checkPlace(text); err != nil {
		return crdt.Place{}, err
	}
	slash := strings.LastIndexByte(text, '/') // a name may have some
	a, err := findAuthor(ctx, c, text[:slash])
	if err != nil {
		return crdt.Place{}, err
	}
	p, err := crdt.ParsePlace(a.String() + text[slash:])
	if err != nil {
		return crdt.Place{}, usageError{err}
	}
	return p, nil
}

// checkPlace says whether a text is no place at all, which is known without asking a node.
func checkPlace(text string) error {
	if !strings.Contains(text, "/") {
		return usagef("place %q: expected AUTHOR/SEQ", clip.Text(text))
	}
	return nil
}

// isTyped reports whether a text that was typed is an author's name, or his first digits.
func isTyped(text string, a crdt.Author, name string) bool {
	return name == text || len(text) >= leastDigits && strings.HasPrefix(a.String(), text)
}

// findAuthor returns the author whom a text names: one with all digits as he is, else the one whom the node
// knows of that begins with these digits or whose node has this name. Nobody vouches for names, so a text
// that fits two is refused.
func findAuthor(ctx context.Context, c *client.Client, text string) (crdt.Author, error) {
	if a, err := crdt.ParseAuthor(text); err == nil {
		return a, nil
	} else if len(text) == 2*len(crdt.Author{}) || text == "" {
		return a, usageError{err}
	}
	known, err := c.Authors(ctx)
	if err != nil {
		return crdt.Author{}, err
	}
	fits := slices.DeleteFunc(known, func(a api.Author) bool {
		return !isTyped(text, a.Author, a.Name)
	})
	switch len(fits) {
	case 0:
		return crdt.Author{}, &api.Error{Code: api.NotFound, Message: fmt.Sprintf(
			"no author here begins with %s or has a node of that name: expected %d or more of the 64 digits, or a name; \"quipu frontier\" and \"quipu members\" list them", quoted(clip.Text(text)), leastDigits)}
	case 1:
		return fits[0].Author, nil
	}
	all := clip.List(fits, 8, func(a api.Author) string { return strings.TrimSpace(a.Author.String()[:16] + " " + printable(a.Name)) })
	return crdt.Author{}, usagef("%s fits %d authors: %s: give more digits", quoted(clip.Text(text)), len(fits), all)
}
