package server

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// getFrontier answers with exactly what the log holds: in JSON, or as a table for people, which quipu state --at reads, too.
func (s *server) getFrontier(w http.ResponseWriter, r *http.Request, _ *none) {
	held := s.log.Frontier()
	w.Header().Set("Vary", "Accept")
	form, b := accepted(r, contentJSON, contentText), new(bytes.Buffer)
	if form == contentText {
		writeFrontier(b, held)
	} else if err := jsonFormat.Marshal(b, s.tellFrontier(held)); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", form)
	if _, err := w.Write(b.Bytes()); err != nil {
		s.logger.Debug("answer not taken", "err", err)
	}
}

// tellFrontier returns a frontier with the names of its authors.
func (s *server) tellFrontier(held crdt.Frontier) api.Frontier {
	f := api.FrontierOf(held)
	names := s.authorNames()
	for i := range f.Authors {
		f.Authors[i].Name = names[f.Authors[i].Author]
	}
	return f
}

// writeFrontier writes a frontier as a table.
func writeFrontier(b *bytes.Buffer, held crdt.Frontier) {
	b.WriteString("AUTHOR NEXT OP\n")
	for author, heads := range held.All() {
		for _, h := range heads {
			fmt.Fprintf(b, "%s %d %s\n", author, h.Next, h.ID)
		}
	}
}

// getFrontierHash answers with the hash of what the log holds.
func (s *server) getFrontierHash(context.Context, *none) (api.FrontierHash, error) {
	return api.FrontierHash{Hash: s.log.Frontier().Hash()}, nil
}
