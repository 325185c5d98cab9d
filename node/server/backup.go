package server

import (
	"net/http"
	"time"

	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/node/api"
)

// maxBackup bounds a request for a backup, in bytes: its files, and the damage that an earlier one names.
const maxBackup = 2 * backup.MaxFileBytes

// backupInput says what the backup is to hold.
type backupInput struct{ Body api.BackupRequest }

// postBackup streams a backup.
func (s *server) postBackup(w http.ResponseWriter, r *http.Request, in *backupInput) {
	req := &in.Body
	if req.Files == nil && s.kept != nil {
		var err error
		if req.Files, err = s.kept(); err != nil {
			s.refuse(w, r, err)
			return
		}
	}
	w.Header().Set("Content-Type", "application/vnd.quipu.backup")
	w.Header().Set("Trailer", api.BackupTrailer)
	out := &prompt{w: w}
	if _, err := s.log.Backup(r.Context(), out, backup.Options{Since: req.Since, Files: req.Files, Key: req.Key, MaxHold: time.Duration(req.Hold)}); err != nil {
		s.logger.Debug("backup not finished", "err", err)
		if !out.begun {
			w.Header().Del("Trailer")
			s.refuse(w, r, err)
			return
		}
		w.Header().Set(api.BackupTrailer, trailer(api.BundleEnd{Error: problem(err)}))
	}
}

// prompt sends what is written at once, so that whoever waits for it knows that the node lives.
type prompt struct {
	w     http.ResponseWriter
	begun bool
}

func (p *prompt) Write(b []byte) (int, error) {
	p.begun = true
	n, err := p.w.Write(b)
	if err == nil {
		err = http.NewResponseController(p.w).Flush()
	}
	return n, err
}
