package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/quipulog/quipu/node/folder"
)

// secretFlags say which cluster secret a node uses, in the place of what quipu.yaml says.
type secretFlags struct {
	file string
	open bool
}

func (s *secretFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.file, "secret-file", "", "a `file` with the cluster secret, or stdin (-) (default: what quipu.yaml names, else D/secret)")
	cmd.Flags().BoolVar(&s.open, "open", false, "do without a secret: everybody on this machine can read and write the log")
}

// override puts what the flags say in the place of what file says.
func (s *secretFlags) override(cmd *cobra.Command, file *folder.Config) error {
	named, open := cmd.Flags().Changed("secret-file"), cmd.Flags().Changed("open")
	if named && s.file == "" {
		return usagef("--secret-file is empty: expected the name of a file")
	}
	if named && s.open {
		return usagef("--secret-file and --open exclude each other")
	}
	if named || s.open {
		file.SecretFile, file.Open = s.file, s.open
	} else if open {
		file.Open = false
	}
	return nil
}

// readSecret reads the secret in the file at path, or from stdin for "-", nil for none.
func readSecret(cmd *cobra.Command, path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	stat, err := os.Stat(path)
	if path != stdio && (err != nil || stat.Mode()&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeCharDevice) == 0) {
		return folder.ReadSecret(path)
	}
	b, err := readInput(cmd, path, folder.MaxSecret)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	return folder.ParseSecret(path, b)
}
