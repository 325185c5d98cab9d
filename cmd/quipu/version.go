package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/crdt"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Print the version of the binary, that of the format of ops, and what it was
built with and for.`,
		Example: "  quipu version",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "quipu", build())
			return err
		},
	}
}

// build returns what "quipu version" and --version print of the binary.
func build() string {
	return fmt.Sprintf("%s format %d %s %s/%s", version(), crdt.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// version returns the version that the go command wrote into the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
