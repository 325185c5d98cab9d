package server

import (
	"net/http"

	"github.com/quipulog/quipu/node/negotiate"
)

// accepted returns which of some media types an answer is to have, by the header Accept (RFC 9110, section 12.5.1): of those
// that the client likes best the first. A client that names none of them gets the first, too.
func accepted(r *http.Request, offers ...string) string {
	return negotiate.Preferred(r.Header["Accept"], offers...)
}
