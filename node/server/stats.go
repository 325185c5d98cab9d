package server

import (
	"context"
	"errors"
	"slices"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/analysis"
	"github.com/quipulog/quipu/node/api"
)

// getStats counts the entries that a query takes, by kind, module and author.
func (s *server) getStats(ctx context.Context, in *queried) (told api.Stats, err error) {
	q, err := readQuery(in.params)
	if err == nil && q.Gone == eventlog.ShowGone {
		err = invalid(errors.New("parameter gone: nothing is shown of what is gone, but how much it is: expected skip or stop"))
	}
	if err != nil {
		return told, err
	}
	q.GoOn = true // what a trim takes meanwhile is counted with the rest
	var census analysis.Census
	for e, err := range s.log.Entries(ctx, q) {
		if err != nil {
			return told, err
		}
		census.Add(&e)
	}
	told = api.Stats{
		Entries: census.Entries, Disputed: census.Disputed, Kinds: countsOf(census.Kinds()), Modules: countsOf(census.Modules()),
		Authors: countsOf(census.Authors()), Names: make(map[string]string),
	}
	if census.Entries > 0 {
		first, last := census.First.UTC(), census.Last.UTC()
		told.First, told.Last = &first, &last
	}
	for author, name := range s.authorNames() {
		told.Names[author.String()] = name
	}
	if q.Gone == eventlog.SkipGone { // else the reading would have ended there
		told.Gone = s.countGone(q)
	}
	return told, nil
}

// countGone counts what of the authors of a query is not here.
func (s *server) countGone(q eventlog.Query) (entries uint64) {
	for _, g := range s.log.Gone() {
		if len(q.Authors) == 0 || slices.Contains(q.Authors, g.Author) {
			entries += g.First + g.Missed + g.Trimmed
		}
	}
	return entries
}

func countsOf(c analysis.Counts) api.Counts {
	told := api.Counts{Names: []api.Count{}, Others: c.Others}
	for _, n := range c.Names {
		told.Names = append(told.Names, api.Count{Name: n.Name, Entries: n.Entries})
	}
	return told
}
