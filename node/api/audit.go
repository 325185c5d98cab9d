package api

import "encoding/json"

// AuditKind is the kind of the entries in which a node puts on record what was changed over the network other than by
// appending, each before it was done. Its subject is the name of the token, its payload an [Audit].
const AuditKind = "quipu.audit"

// Audit is a call that is on record.
type Audit struct {
	// Token is the name of the token that was shown.
	Token string `json:"token"`
	// Call is the route, such as "POST /v1/trim", Target the path and query that were asked for.
	Call   string `json:"call"`
	Target string `json:"target"`
	// Request is what the call is called in the node's log, see [RequestHeader], From the address that it came from.
	Request string `json:"request,omitempty"`
	From    string `json:"from"`
	// Body is that of the request, unless it is a stream or longer than 16 KiB.
	Body json.RawMessage `json:"body,omitempty"`
}
