package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/quipulog/quipu/node/api"
)

// Repairer has the log verified, and others asked for what of it is damaged or missing.
type Repairer interface {
	Repair(ctx context.Context, r api.RepairRequest, tell func(api.Progress)) (api.Repaired, error)
}

// postRepair repairs the log.
func (s *server) postRepair(r *http.Request, tell func(api.Progress)) (any, error) {
	if s.repairer == nil {
		return nil, &api.Error{Code: api.NotRunning, Message: "nothing here can dial"}
	}
	var req api.RepairRequest
	if err := readOrder(r, &req); err != nil {
		return nil, err
	}
	if slices.Contains(req.Join, "") {
		return nil, invalid(fmt.Errorf("repair request: join has an empty address: expected HOST:PORT"))
	}
	return s.repairer.Repair(r.Context(), req, tell)
}
