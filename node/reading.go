package node

import (
	"errors"
	"io/fs"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/client"
	"github.com/quipulog/quipu/node/folder"
	"github.com/quipulog/quipu/node/server"
)

// readFolder returns a client of a log that is only read; nil where the folder is to be opened to write, since others
// than this node get what is read and the folder can say so.
func readFolder(f folder.Folder, access Access) (*client.Client, error) {
	if err := f.CheckLog(); err != nil {
		return nil, err
	}
	if err := f.CheckLogMode(); err != nil && access.Warn != nil {
		access.Warn(err.Error())
	}
	cfg, err := copiedConfig(f, access)
	if err != nil {
		return nil, err
	}
	with, err := openingOf(cfg, folder.Passphrase{}).config(f, nil, access.Logger)
	if err != nil {
		return nil, err
	}
	with.ReadOnly = true
	log, err := eventlog.Open(string(f), with)
	if err != nil {
		return nil, err
	}
	if err := configured(f, cfg, log); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if access.Gives && log.Health().Untold && f.Writable() {
		return nil, log.Close()
	}
	return server.Local(server.New(server.Config{
		Log: log, Name: cfg.Name, Remembered: namesIn(f), Version: access.Version, Logger: access.Logger, UsedBy: f.UsedBy, Tokens: tokensIn(f),
		Trimmer: trimmer{log: log, folder: f, members: cfg.TrimWaits == folder.WaitsForMembers, logger: access.Logger},
	}), log.Close), nil
}

// copiedConfig reads the configuration of a folder that is only read. A copy of a log that has neither key nor
// configuration needs none, nor does one whose configuration this user may not read: nothing hangs on it here but what is
// shown of the settings. A node that has lost it is told so.
func copiedConfig(f folder.Folder, access Access) (folder.Config, error) {
	cfg, err := f.CopiedConfig()
	if errors.Is(err, fs.ErrPermission) && access.Warn != nil {
		access.Warn(f.Config() + " may not be read by this user: what it sets is shown as its default")
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) && !f.HasKey() {
		return folder.Config{}, nil
	}
	if lost, ok := errors.AsType[*folder.LostConfigError](err); ok {
		lost.Log = logOf(f)
	}
	return cfg, err
}
