package gatewaytest

import (
	"net/http"

	"github.com/quipulog/quipu/node/api"
)

// Network is a handler in the place of a node's.
type Network struct{ http.Handler }

// Refuse answers with the refusal.
func (Network) Refuse(w http.ResponseWriter, err *api.Error) { err.Answer(w) }
