package node

import (
	"errors"
	"fmt"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/size"
)

const (
	// DefaultAuthorShare is how many percent of the disk quota one author may have.
	DefaultAuthorShare = 50
	// leastQuota is the least that the default of the disk quota is: on a disk that has not even so much, a
	// full disk is met before.
	leastQuota = 1 << 30
)

// Limits bound what others may take up at a node. An author past one is shut, and nobody else is, until the
// node is started with a higher one. The zero value of a field means its default.
type Limits struct {
	// MaxBranches is how many branches of one feed are kept. Default: crdt.DefaultMaxBranches.
	MaxBranches int
	// MaxAuthors is how many feeds are kept. Default: eventlog.DefaultMaxAuthors.
	MaxAuthors int
	// MaxNewAuthors is how many authors one peer may bring in a minute. Default: gossip.DefaultNewAuthors.
	MaxNewAuthors int
	// DiskQuota is how many bytes of the log's file the feeds of others may take, about. Default: nine tenths
	// of what the file has and the disk has free when the log is opened, and 1 GiB at least.
	DiskQuota size.Size
	// AuthorShare is how many percent of the quota one author may have. Default: DefaultAuthorShare.
	AuthorShare int
}

// LimitsOf returns the limits that quipu.yaml sets.
func LimitsOf(c folder.Config) Limits {
	return Limits{MaxBranches: c.MaxBranches, MaxAuthors: c.MaxAuthors, MaxNewAuthors: c.MaxNewAuthors, DiskQuota: c.DiskQuota, AuthorShare: c.AuthorShare}
}

// validate names the first field that cannot be used.
func (l Limits) validate() error {
	switch {
	case l.MaxBranches < 0:
		return fmt.Errorf("config: MaxBranches is %d: expected 1 or more, or 0 for the default", l.MaxBranches)
	case l.MaxAuthors < 0:
		return fmt.Errorf("config: MaxAuthors is %d: expected 1 or more, or 0 for the default", l.MaxAuthors)
	case l.MaxNewAuthors < 0:
		return fmt.Errorf("config: MaxNewAuthors is %d: expected 1 or more, or 0 for the default", l.MaxNewAuthors)
	case l.AuthorShare < 0 || l.AuthorShare > 100:
		return fmt.Errorf("config: AuthorShare is %d: expected 1 to 100 percent, or 0 for the default", l.AuthorShare)
	}
	return nil
}

// apply sets the limits of a log in a folder.
func (l Limits) apply(cfg *eventlog.Config, f folder.Folder) error {
	quota := uint64(l.DiskQuota)
	if quota == 0 {
		free, err := f.Room()
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("how much room there is: %w", err)
		}
		if err == nil { // else nothing is known that it could be a part of
			quota = max(free/10*9, leastQuota)
		}
	}
	share := uint64(l.AuthorShare)
	if share == 0 {
		share = DefaultAuthorShare
	}
	cfg.MaxBranches, cfg.MaxAuthors = l.MaxBranches, l.MaxAuthors
	cfg.MaxBytes, cfg.MaxAuthorBytes = quota, quota/100*share+quota%100*share/100
	return nil
}
