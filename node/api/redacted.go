package api

import (
	"log/slog"
	"net/url"
	"regexp"
	"strings"
)

// TokenPrefix begins every token and every ticket, so that who finds one in a file knows what it is.
const TokenPrefix = "quipu_"

// Redacted is a text in which tokens and tickets may stand, whoever has put them there. It is shown without them,
// wherever it is printed, logged or sent.
type Redacted string

// secret finds what is a token or a ticket, or enough of one.
var secret = regexp.MustCompile(`quipu_(ticket_)?[A-Za-z0-9]{16,}`)

func (r Redacted) String() string {
	if !strings.Contains(string(r), TokenPrefix) {
		return string(r)
	}
	return secret.ReplaceAllString(string(r), TokenPrefix+"…")
}

// LogValue is what a logger shows.
func (r Redacted) LogValue() slog.Value { return slog.StringValue(r.String()) }

// RedactedTarget returns the path and query of a request without its ticket, however that is written.
func RedactedTarget(u *url.URL) Redacted {
	target := u.Path
	if u.RawQuery != "" {
		query, err := url.ParseQuery(u.RawQuery)
		if query.Has(ParamTicket) {
			query.Set(ParamTicket, "…")
		}
		if err != nil {
			query.Set("…", "…") // what cannot be read is not shown
		}
		shown, err := url.QueryUnescape(query.Encode())
		if err != nil {
			shown = "…"
		}
		target += "?" + shown
	}
	return Redacted(target)
}

// RedactAttr is a ReplaceAttr of [slog.HandlerOptions] by which a log shows no token and no ticket.
func RedactAttr(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = Redacted(v.String()).LogValue()
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			a.Value = Redacted(err.Error()).LogValue()
		}
	}
	return a
}
