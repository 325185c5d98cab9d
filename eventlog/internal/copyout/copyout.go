package copyout

import (
	"context"
	"fmt"
	"io"

	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// Source is the log that a backup is made of.
type Source struct {
	// View runs fn in a transaction that reads. Its error is fn's, or says what the transaction has met of damage, of
	// which Damaged reports whether an error is.
	View    func(fn func(tx *disk.Tx) error) error
	Damaged func(err error) bool
	// Meta returns what meta of a restored log is to hold; in the transaction of the small part. It may complete the head.
	Meta func(tx *disk.Tx) (map[string][]byte, error)
	// Head is what the backup begins with: it is looked at once Meta has been called.
	Head *backup.Head
	// Hold keeps what was not come to yet from being forgotten.
	Hold *Hold
	// Pruned returns the feeds of which something was pruned since a sweep.
	Pruned func(sweep uint64) []backup.Pruned
}

// Write writes a backup of a log to w.
func (src *Source) Write(ctx context.Context, w io.Writer, o backup.Options) (backup.Summary, error) {
	s, err := newSmall(o.TempDir)
	if err != nil {
		return backup.Summary{}, err
	}
	defer s.drop()
	if err := s.take(src); err != nil {
		return backup.Summary{}, err
	}
	out, err := backup.NewWriter(w, *src.Head, o)
	if err != nil {
		return backup.Summary{}, err
	}
	c := &copying{src: src, ctx: ctx, out: out, progress: o.Progress, pruned: s.pruned}
	if err := s.write(out); err != nil {
		return backup.Summary{}, err
	}
	if o.Since != nil {
		if err := c.since(o.Since); err != nil {
			return backup.Summary{}, err
		}
	}
	if err := c.ops(src.Head.From, src.Head.To, s.last); err != nil {
		return backup.Summary{}, err
	}
	gone := src.Pruned(src.Head.Sweep)
	if o.Since == nil && len(gone) == 0 && c.gaps > s.pruned {
		out.Damaged(backup.Damage{What: fmt.Sprintf("the arrivals: %d offsets have none, where %d entries were pruned", c.gaps, s.pruned)})
	}
	return out.End(gone)
}
