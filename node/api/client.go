package api

import (
	"errors"
)

// NodeHeader is in every answer of a node, with the version of these calls, and in every request of a client:
// it asks the node to say each [KeepAlive] that it lives.
const NodeHeader = "Quipu-Node"

// RequestHeader is in every answer that a node gives over the network: what the call is called in its log and its audit.
const RequestHeader = "Quipu-Request"

// CursorHeader is in the answer of a tail: the cursor that it begins behind. The cursor behind an entry of that tail is the same
// one with the offset behind that entry in the place of the number at its end. EndHeader has the offset at which the log
// ended when the tail began.
const (
	CursorHeader = "Quipu-Cursor"
	EndHeader    = "Quipu-End"
)

// ErrStranger is wrapped by the error of every call that was answered by some other program than a node.
var ErrStranger = errors.New("what answers at the socket is no quipu node, but another program: find and stop it, or remove the socket")
