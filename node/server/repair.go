package server

import (
	"context"
	"fmt"
	"slices"

	"github.com/quipulog/quipu/node/api"
)

// Repairer has the log verified, and others asked for what of it is damaged or missing.
type Repairer interface {
	Repair(ctx context.Context, r api.RepairRequest, tell func(api.Progress)) (api.Repaired, error)
}

// postRepair repairs the log.
func (s *server) postRepair(ctx context.Context, in *maybe[api.RepairRequest], tell func(api.Progress)) (api.Repaired, error) {
	if s.repairer == nil {
		return api.Repaired{}, &api.Error{Code: api.NotRunning, Message: "nothing here can dial"}
	}
	req := in.value()
	if slices.Contains(req.Join, "") {
		return api.Repaired{}, invalid(fmt.Errorf("repair request: join has an empty address: expected HOST:PORT"))
	}
	return s.repairer.Repair(ctx, req, tell)
}
