package api

import (
	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/node/age"
)

// BackupRequest says what a backup is to hold beside the log.
type BackupRequest struct {
	// Since is an earlier backup, of which only what it lacks is written; its Files and Key are not looked at.
	Since *backup.Summary `json:"since,omitempty"`
	// Files are what the backup holds beside the log. Where none are given, a daemon adds those of its folder: its
	// configuration, where members were, and the print of its secret.
	Files []backup.File `json:"files,omitempty"`
	// Key is the node's key and secret, sealed.
	Key []byte `json:"key,omitempty"`
	// Hold is how long what is not written yet is kept from trims and prunes, an hour where it is 0.
	Hold age.Age `json:"hold,omitempty"`
}

// BackupTrailer is the trailer of the answer to the making of a backup that could not be brought to its end: an
// [Envelope] in JSON.
const BackupTrailer = "Quipu-Backup"
