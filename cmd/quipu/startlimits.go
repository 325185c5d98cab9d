package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node"
	"github.com/quipulog/quipu/node/folder"
	bytesize "github.com/quipulog/quipu/node/size"
)

// limitFlags are the flags of start that bound what others may take up.
type limitFlags struct {
	branches, authors, newAuthors, share int
	quota                                bytesize.Size
}

func (l *limitFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&l.branches, "max-branches", crdt.DefaultMaxBranches, "the `number` of branches of one feed that are kept; an author who forks more often is shut")
	f.IntVar(&l.authors, "max-authors", eventlog.DefaultMaxAuthors, "the `number` of authors whose feeds are kept; one more is shut")
	f.IntVar(&l.newAuthors, "max-new-authors", gossip.DefaultNewAuthors, "the `number` of authors that one peer may bring in a minute")
	f.Var(sizeFlag{&l.quota}, "disk-quota", "how much of the log's file the feeds of others may take, such as 20GiB; an author past it is shut (default: nine tenths of the room)")
	f.IntVar(&l.share, "author-share", node.DefaultAuthorShare, "how many `percent` of the quota one author may have")
}

// override puts what the flags say in the place of what file says.
func (l *limitFlags) override(cmd *cobra.Command, file *folder.Config) error {
	given := cmd.Flags().Changed
	for _, flag := range []struct {
		name string
		says int
		into *int
	}{
		{"max-branches", l.branches, &file.MaxBranches}, {"max-authors", l.authors, &file.MaxAuthors},
		{"max-new-authors", l.newAuthors, &file.MaxNewAuthors}, {"author-share", l.share, &file.AuthorShare},
	} {
		if !given(flag.name) {
			continue
		}
		if flag.says < 1 {
			return usagef("--%s %d: expected 1 or more", flag.name, flag.says)
		}
		*flag.into = flag.says
	}
	if given("disk-quota") {
		file.DiskQuota = l.quota
	}
	if err := file.CheckLimits(); err != nil {
		return usagef("--%s", strings.TrimPrefix(err.Error(), "field "))
	}
	return nil
}

// sizeFlag is a flag for a size that is not 0.
type sizeFlag struct{ size *bytesize.Size }

func (f sizeFlag) Set(text string) (err error) {
	if *f.size, err = bytesize.Parse(text); err == nil && *f.size == 0 {
		err = usagef("expected more than 0, such as 20GiB")
	}
	return err
}

func (f sizeFlag) String() string { return "" }
func (f sizeFlag) Type() string   { return "size" }
