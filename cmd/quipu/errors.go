package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt/nearest"
	"github.com/quipulog/quipu/node/api"
)

func newErrors() *cobra.Command {
	names := codeNames()
	return &cobra.Command{
		Use:   "errors [CODE]",
		Short: "Explain the codes with which a node refuses a call",
		Long: `Explain a code with which a node refuses a call over HTTP, the field "code" of an
answer in application/problem+json: which status it has, what it means, and what
helps. Without a code, list all of them.`,
		Example:   "  quipu errors\n  quipu errors second-writer",
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return listCodes(cmd.OutOrStdout())
			case len(args) > 1:
				return usagef("unexpected argument %q: one code is enough", args[1])
			case !slices.Contains(names, args[0]):
				return usageError{nearest.Unknown("code", args[0], names)}
			}
			return explainCode(cmd.OutOrStdout(), api.Code(args[0]))
		},
	}
}

func codeNames() []string {
	names := make([]string, len(api.Codes))
	for i, c := range api.Codes {
		names[i] = string(c)
	}
	return names
}

func listCodes(w io.Writer) error {
	t := newTable(w, []column{{head: "CODE", width: 14}, {head: "STATUS", width: 6}, {head: "MEANING"}})
	for _, c := range api.Codes {
		a := c.About()
		if err := t.row(string(c), fmt.Sprint(a.Status), a.Title); err != nil {
			return err
		}
	}
	return t.end()
}

func explainCode(w io.Writer, c api.Code) error {
	a := c.About()
	_, err := fmt.Fprintf(w, "%s, status %d: %s\n\n%s\n\n%s\n", c, a.Status, a.Title, folded(a.Why), folded(a.Do))
	return err
}

// folded returns a text in lines of at most 80 characters.
func folded(text string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > 80 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return strings.Join(append(lines, line), "\n")
}
