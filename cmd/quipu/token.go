package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt/enum"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

func newToken() *cobra.Command {
	return group(&cobra.Command{
		Use:   "token create|list|revoke",
		Short: "Say who may ask this node over HTTP, and for what",
		Long: `Whoever asks a node over HTTP shows a token of it, on the same machine too, since
that is open to all who use it. What this command and others ask through the
node's socket needs none: the socket's mode is its own access.

The node keeps of each token what it allows and a hash, in D/tokens.json. The
commands go to the daemon where one runs; one that is revoked meanwhile is of no
more use within 5 s, and ends what it has running.`,
		Example: "  quipu token create --dir a --name mailer --scope append > mailer.token\n  quipu token list --dir a",
	}, newTokenCreate(), newTokenList(), newTokenRevoke())
}

// scopes are what --scope takes.
var scopes = []string{string(api.ScopeRead), string(api.ScopeAppend), string(api.ScopeMetrics), string(api.ScopeAdmin)}

func newTokenCreate() *cobra.Command {
	var dir, format string
	var request api.TokenRequest
	var allowed []string
	var ttl *age.Age
	cmd := &cobra.Command{
		Use:   "create --dir D --name N --scope read|append|metrics|admin[,...] [--ttl AGE] [--kinds K] [--subjects PREFIX]",
		Short: "Make a token, and print it once",
		Long: `Make a token, and print it to stdout. It is kept nowhere: whoever loses it makes
another one. A file for it had better be its owner's alone, see umask.

Scope read is for all that only reads, and has metrics in it; append is for
appending, and reads nothing; metrics is for a program that watches the node;
admin is for everything, tokens included. Several are written with commas.

With --kinds or --subjects the token is for entries of these kinds alone, and for
those whose subject begins with one of these texts: it reaches the reading, tailing
and appending of such entries and nothing else, so that its scopes can be read and
append. A kind that ends in ".*" stands for all that begin so; a prefix such as
user/1 takes user/12 as well, and user/1/ does not.

What is appended with a token has its name in the header quipu-client.`,
		Example: "  quipu token create --dir a --name mailer --scope append --ttl 30d > mailer.token\n" +
			"  quipu token create --dir a --name page --scope read --kinds 'order.*' --subjects shop/7/",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := readTokenRequest(&request, allowed, ttl); err != nil {
				return err
			}
			return withNode(cmd.Context(), dir, func(c *client.Client) error {
				token, err := c.CreateToken(cmd.Context(), request)
				switch {
				case err != nil:
					return err
				case format == asJSON:
					return printJSON(cmd.OutOrStdout(), token)
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), token.Secret)
				return err
			})
		},
	}
	dirFlag(cmd, &dir)
	f := cmd.Flags()
	f.StringVar(&request.Name, "name", "", "the token's `name`: letters, digits, dots, dashes, underscores and @ (required)")
	f.StringSliceVar(&allowed, "scope", nil, "what it allows, `scopes` with commas between: "+enum.OneOf(scopes)+" (required)")
	f.Var(ageFlag{&ttl}, "ttl", "how long it is good, such as 30d (default: for ever)")
	f.StringArrayVar(&request.Kinds, "kinds", nil, "for entries of this `kind` alone, or of all that begin as 'order.*' does (repeat it for several)")
	f.StringArrayVar(&request.Subjects, "subjects", nil, "for entries alone whose subject begins with this `prefix` (repeat it for several)")
	formatFlag(cmd, &format, asText, asJSON)
	return cmd
}

// readTokenRequest puts the scopes and the age that the flags say into a request.
func readTokenRequest(r *api.TokenRequest, allowed []string, ttl *age.Age) error {
	switch {
	case r.Name == "":
		return usagef("--name is missing: it says what the token is called, as in quipu token revoke")
	case len(allowed) == 0:
		return usagef("--scope is missing: expected %s, or several with commas between", enum.OneOf(scopes))
	case ttl != nil && *ttl == 0:
		return usagef("--ttl 0: expected more than that; without it the token is good for ever")
	}
	for _, scope := range allowed {
		if !slices.Contains(scopes, scope) {
			return usagef("--scope %q: expected %s", scope, enum.OneOf(scopes))
		}
		r.Scopes = append(r.Scopes, api.Scope(scope))
	}
	if ttl != nil {
		r.TTL = *ttl
	}
	return nil
}

func newTokenList() *cobra.Command {
	var dir, format string
	cmd := &cobra.Command{
		Use:   "list --dir D",
		Short: "Print which tokens there are",
		Long: `Print which tokens there are, in the order in which they were made, with what each
allows. Those that have expired stay until they are revoked.`,
		Example: "  quipu token list --dir a",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return reading(cmd, dir, func(c *client.Client) error {
				tokens, err := c.Tokens(cmd.Context())
				if err != nil {
					return err
				}
				return listedTokens.print(cmd, format, func(yield func(api.Token, error) bool) {
					for _, t := range tokens {
						if !yield(t, nil) {
							return
						}
					}
				})
			})
		},
	}
	dirFlag(cmd, &dir)
	formatFlag(cmd, &format, asTable, asJSON, asNDJSON)
	return cmd
}

var listedTokens = listing[api.Token]{
	columns: []column{{head: "NAME", width: 16}, {head: "SCOPES", width: 12}, {head: "CREATED", width: 20}, {head: "EXPIRES", width: 20}, {head: "ONLY", fit: cutEnd}},
	row:     tokenRow,
	none:    "no tokens",
}

func tokenRow(t api.Token) []string {
	expires, only := "never", "-"
	if !t.Expires.IsZero() {
		expires = t.Expires.UTC().Format(time.RFC3339)
		if !time.Now().Before(t.Expires) {
			expires += ", expired"
		}
	}
	var parts []string
	for _, kind := range t.Kinds {
		parts = append(parts, "kind "+kind)
	}
	for _, subject := range t.Subjects {
		parts = append(parts, "subject "+subject+"…")
	}
	if parts != nil {
		only = strings.Join(parts, ", ")
	}
	var scopes []string
	for _, scope := range t.Scopes {
		scopes = append(scopes, string(scope))
	}
	return []string{t.Name, strings.Join(scopes, ","), t.Created.UTC().Format(time.RFC3339), expires, only}
}

func newTokenRevoke() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "revoke --dir D NAME",
		Short: "End a token for good",
		Long: `End a token for good. Within 5 s what it has running ends, and its tickets are
void. The exit code is 3 when there is none of that name.`,
		Example: "  quipu token revoke --dir a mailer",
		Args:    oneArg("the token's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withNode(cmd.Context(), dir, func(c *client.Client) error { return c.RevokeToken(cmd.Context(), args[0]) })
		},
	}
	dirFlag(cmd, &dir)
	return cmd
}
