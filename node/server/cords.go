package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/quipulog/quipu/eventlog/cords"
	"github.com/quipulog/quipu/node/api"
)

// getCords answers with counts by author, kind and time.
func (s *server) getCords(w http.ResponseWriter, r *http.Request, _ *none) {
	asked, err := api.ParseCordsQuery(r.URL.Query())
	if err != nil {
		s.refuse(w, r, invalid(err))
		return
	}
	pic, err := s.cords.Read(r.Context(), cords.Window(asked))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", contentJSON)
	out := compressed(w, r)
	if err := errors.Join(jsonFormat.Marshal(out, s.cordsOf(r.Context(), pic)), out.Close()); err != nil {
		s.logger.Debug("answer not taken", "err", err)
	}
}

// cordsOf returns a picture as it travels.
func (s *server) cordsOf(ctx context.Context, pic *cords.Picture) api.Cords {
	told := api.Cords{
		From: pic.From, To: pic.To, Bucket: pic.Bucket, Now: time.Now().UnixMilli(), Node: s.log.Author(), Cursor: s.log.CursorAt(pic.Next).String(),
		Behind: pic.Behind, Kinds: append([]string{}, pic.Kinds...), Cords: []api.Cord{}, All: cellsOf(pic.Whole),
		Others: api.CordOthers{Authors: pic.Others, Entries: pic.OthersEntries},
	}
	if pic.Entries > 0 {
		told.First, told.Last = &pic.First, &pic.Last
	}
	names := s.authorNames()
	for i := range pic.Cords {
		c := &pic.Cords[i]
		one := api.Cord{
			Author: c.Author, Name: names[c.Author], Entries: c.Entries, Before: c.Before, After: c.After, Next: c.Next, Floor: c.Floor,
			Trimmed: c.Trimmed, Disputed: c.Disputed, Untold: c.Untold, Cells: cellsOf(c.Cells),
		}
		if c.Entries+c.Before+c.After > 0 {
			one.First, one.Last = &c.First, &c.Last
		}
		var err error
		if one.Held, err = s.log.Elsewhere().Heights(ctx, c.Author); err != nil {
			s.logger.Debug("not told who holds a feed", "author", c.Author, "err", err)
		}
		told.Cords = append(told.Cords, one)
	}
	return told
}

func cellsOf(cells []cords.Cell) []api.Cell {
	all := make([]api.Cell, len(cells))
	for i, c := range cells {
		one := make(api.Cell, 0, 5+2*len(c.Kinds))
		one = append(one, c.Start, c.Span, int64(c.N), int64(c.Lo), int64(c.Hi))
		for _, k := range c.Kinds {
			one = append(one, int64(k.Kind), int64(k.N))
		}
		all[i] = one
	}
	return all
}
