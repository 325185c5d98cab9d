package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/quipulog/quipu/eventlog/backup"
	"github.com/quipulog/quipu/node/api"
)

// Backup has the node make a backup, writes it to w, and returns what it holds. All that is written is checked on the
// way, as [backup.Check] does; told, unless it is nil, is called with how far that is. After an error, what was written
// is no backup.
func (c *Client) Backup(ctx context.Context, w io.Writer, req api.BackupRequest, told func(api.Progress)) (s backup.Summary, err error) {
	const what = "back up"
	if since := req.Since; since != nil {
		bare := *since
		bare.Files, bare.Key = nil, nil
		req.Since = &bare
	}
	body, err := json.Marshal(req)
	if err != nil {
		return s, wrap(what, err)
	}
	resp, err := c.do(ctx, http.MethodPost, "/v1/backup", bytes.NewReader(body))
	if err != nil {
		return s, wrap(what, err)
	}
	defer resp.Body.Close()
	in, out := &source{r: resp.Body}, &sink{w: w}
	s, err = backup.Check(ctx, io.TeeReader(in, out), func(done, total uint64) {
		if told != nil {
			told(api.Progress{Done: done, Total: total, Unit: "entries"})
		}
	})
	if err == nil {
		return s, nil
	}
	var end api.Envelope
	switch {
	case out.err != nil:
		err = out.err
	case in.failed() != nil:
		err = cutOff(ctx, in.failed())
	case json.Unmarshal([]byte(resp.Trailer.Get(api.BackupTrailer)), &end) == nil && end.Error != nil:
		err = end.Error
	case ctx.Err() == nil:
		err = fmt.Errorf("what the node has made: %w", err)
	}
	return backup.Summary{}, wrap(what, err)
}
