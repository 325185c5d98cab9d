package form

import "github.com/danielgtaylor/huma/v2"

// The texts, by what each may be.
type (
	author  string
	place   string
	clock   string
	hash    string
	log     string
	moment  string
	holding string
	span    string
)

// text returns the schema of texts that a regular expression takes.
func text(about, pattern string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: about, Pattern: pattern}
}

// Schema returns that of an author.
func (author) Schema(huma.Registry) *huma.Schema { return text("An author's key.", "^[0-9a-f]{64}$") }

// Schema returns that of a place.
func (place) Schema(huma.Registry) *huma.Schema {
	return text("Where an entry stands: AUTHOR/SEQ, and on a disputed branch AUTHOR/SEQ@BRANCH.", "^[0-9a-f]{64}/(0|[1-9][0-9]{0,15})(@[0-9a-f]{16})?$")
}

// Schema returns that of a clock.
func (clock) Schema(huma.Registry) *huma.Schema {
	return text("A hybrid logical clock: MILLISECONDS.COUNTER.", `^(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,4})$`)
}

// Schema returns that of a hash.
func (hash) Schema(huma.Registry) *huma.Schema { return text("A SHA-256 hash.", "^[0-9a-f]{64}$") }

// Schema returns that of a log's id.
func (log) Schema(huma.Registry) *huma.Schema { return text("The id of a log.", "^[0-9a-f]{32}$") }

// Schema returns that of a time in a request.
func (moment) Schema(huma.Registry) *huma.Schema {
	return text("A time by RFC 3339, a date in UTC, or an age, such as 90m or 14d, which counts back from now.", "")
}

// Schema returns that of what is known of a node and an entry.
func (holding) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: []any{"unheard", "lacks", "holds", "trimmed", "pruned", "shut"}}
}

// Schema returns that of a span of time.
func (span) Schema(huma.Registry) *huma.Schema {
	return text("A span of time by its units, the larger ones first: 14d, 1d12h, 90m, 1.5s, or 0.", `^(0|[0-9]+d|([0-9]+d)?([0-9.]+(h|m|s|ms|us|µs|ns))+)$`)
}
