package form

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Page is a page of what a query takes.
type Page struct {
	Entries []item `json:"entries" doc:"What the query takes, in its order."`
	Next    string `json:"next,omitempty" doc:"The token of the next page. Without it there is none."`
}

// Polled is what a tail answers once.
type Polled struct {
	Entries []item `json:"entries" doc:"What has come, in order of arrival; none where nothing has in time."`
	After   string `json:"after" doc:"The cursor behind all that was looked at: where the next call goes on."`
}

// item is an entry, or stands in the place of some that are gone.
type item struct{}

// Schema returns that of either.
func (item) Schema(r huma.Registry) *huma.Schema {
	entry, gone := reflect.TypeFor[Entry](), reflect.TypeFor[Gone]()
	return &huma.Schema{AnyOf: []*huma.Schema{r.Schema(entry, true, entry.Name()), r.Schema(gone, true, gone.Name())}}
}
