package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/cloudevent"
)

// page is one page of what a query takes and a call may read.
type page struct {
	entries []eventlog.Entry
	next    string // the token of the next page; "" after the last
	behind  uint64 // the offset behind the last that was looked at, where it was read in order of arrival; 0 where none was
}

// page reads a page. Where there is nothing on it that the call may read, it is the next one that has something, or the
// last.
func (s *server) page(ctx context.Context, q eventlog.Query) (p page, err error) {
	g := grantOf(ctx)
	narrow := g != nil && g.Narrow()
	if narrow && len(q.Kinds) == 0 {
		q.Kinds = g.Kinds // which the index may help with
	}
	for {
		entries, next, err := s.log.Page(ctx, q)
		if err != nil {
			return page{}, err
		}
		if n := len(entries); n > 0 {
			p.behind = entries[n-1].Offset + max(1, entries[n-1].Gone)
		}
		p.next = next
		for _, e := range entries {
			if !narrow || e.Gone > 0 || g.Takes(e.Kind, e.Subject) {
				p.entries = append(p.entries, e)
			}
		}
		if len(p.entries) > 0 || next == "" {
			return p, nil
		}
		q.Page = next
	}
}

// getPage answers with a page of entries, and the token of the next one.
func (s *server) getPage(w http.ResponseWriter, r *http.Request, q eventlog.Query) {
	p, err := s.page(r.Context(), q)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.tellPage(w, r, p.entries, "next", p.next)
}

// getCloudEvents answers with a page of entries as CloudEvents. The token of the next one is in the header Link, by RFC 8288.
func (s *server) getCloudEvents(w http.ResponseWriter, r *http.Request, q eventlog.Query) {
	p, err := s.page(r.Context(), q)
	b := []byte{'['}
	for i := range p.entries {
		if i > 0 {
			b = append(b, ',')
		}
		if err == nil {
			b, err = cloudevent.Append(b, &p.entries[i].Entry, p.entries[i].Offset)
		}
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if p.next != "" {
		next := r.URL.Query()
		next.Set(api.ParamPage, p.next)
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.EscapedPath(), next.Encode()))
	}
	w.Header().Set("Content-Type", contentCloudEvents)
	s.write(w, r, append(b, "]\n"...))
}

// write answers with b, which may be compressed. A client that has left needs no answer.
func (s *server) write(w http.ResponseWriter, r *http.Request, b []byte) {
	out := compressed(w, r)
	_, err := out.Write(b)
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		s.logger.Debug("answer not taken", "err", err)
	}
}

// tellPage answers with entries, and with how to go on behind them, by its name, where that is known.
func (s *server) tellPage(w http.ResponseWriter, r *http.Request, entries []eventlog.Entry, name, token string) {
	w.Header().Set("Content-Type", contentJSON)
	b := []byte(`{"entries":[`)
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.AppendJSON(b, &e.Offset)
	}
	b = append(b, ']')
	if token != "" {
		b = strconv.AppendQuote(append(b, `,"`+name+`":`...), token)
	}
	s.write(w, r, append(b, "}\n"...))
}
