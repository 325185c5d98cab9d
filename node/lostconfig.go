package node

import (
	"errors"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/folder"
)

// ReadConfig reads the configuration of the node in dir. Where it is lost, the [*folder.LostConfigError]
// has the id of the log that lies there, unless another process has that open.
func ReadConfig(dir string) (folder.Config, error) { return readConfig(folder.Folder(dir)) }

func readConfig(f folder.Folder) (folder.Config, error) {
	if err := f.Check(); err != nil {
		return folder.Config{}, err
	}
	cfg, err := f.ReadConfig()
	if lost, ok := errors.AsType[*folder.LostConfigError](err); ok {
		lost.Log = logOf(f)
	}
	return cfg, err
}

// logOf returns the id of the log in a folder, "" if it cannot be opened. It forgets nothing, whatever the
// configuration would have said.
func logOf(f folder.Folder) string {
	log, err := eventlog.Open(string(f), eventlog.Config{ReadOnly: true, NoIndex: true})
	if err != nil {
		return ""
	}
	id := log.ID().String()
	if log.Close() != nil {
		return ""
	}
	return id
}
