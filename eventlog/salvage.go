package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/internal/disk"
	"github.com/quipulog/quipu/eventlog/internal/record"
	"github.com/quipulog/quipu/eventlog/internal/salvage"
)

// ErrNothingLeft is wrapped by the error of [Salvage] for a file that has nothing of any log.
var ErrNothingLeft = salvage.ErrNothing

// SalvageReport is what [Salvage] did.
type SalvageReport = salvage.Report

// Salvage makes a new file of the log in dir, which is not open, out of all that can still be read of a damaged one: each op
// that verifies, wherever it lies, and of the rest what the file's tree still reaches. progress, which may be nil, is told
// how many bytes of all were looked at. The damaged file stays beside the new one. Our own feed then recovers before it is
// appended to ([WhyHead]); what is missing is in the report, and comes back from peers.
//
// Salvage returns the errors of [Open], but that the file is damaged. A crash leaves the damaged file in its place or the
// new one.
func Salvage(ctx context.Context, dir string, cfg Config, progress func(done, total uint64)) (SalvageReport, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return SalvageReport{}, err
	}
	path, err := filePath(dir)
	if err != nil {
		return SalvageReport{}, err
	}
	from, err := disk.OpenRemains(path)
	if err != nil {
		return SalvageReport{}, (&store{path: path}).notOpened(err)
	}
	defer from.Close()
	why := record.Recovering{Why: uint8(WhyHead), Since: cfg.Now(), Detail: "the file was damaged, and was salvaged"}
	report, err := salvage.Run(ctx, salvage.Options{From: from, Author: crdt.AuthorOf(cfg.Key), Now: cfg.Now(), Why: why, Progress: progress})
	if errors.Is(err, salvage.ErrAuthor) {
		err = fmt.Errorf("%w: %w", ErrWrongKey, err)
	}
	if err != nil {
		return SalvageReport{}, fmt.Errorf("salvage %s: %w", path, err)
	}
	return report, nil
}
