package server

import (
	"context"
	"maps"
	"slices"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
)

// getAuthors answers with the authors that the node knows of.
func (s *server) getAuthors(context.Context, *none) ([]api.Author, error) {
	known := make(map[crdt.Author]*api.Author)
	for a, heads := range s.log.Frontier() {
		known[a] = &api.Author{Author: a}
		for _, h := range heads {
			known[a].Next = max(known[a].Next, h.Next)
		}
	}
	for a, name := range s.authorNames() {
		if known[a] == nil {
			known[a] = &api.Author{Author: a}
		}
		known[a].Name = name
	}
	all := make([]api.Author, 0, len(known))
	for _, a := range slices.SortedFunc(maps.Keys(known), crdt.Author.Compare) {
		all = append(all, *known[a])
	}
	return all, nil
}

// authorNames returns what the nodes of authors call themselves: this one, its members, and those that it has
// met before. Nobody vouches for a name.
func (s *server) authorNames() map[crdt.Author]string {
	names := make(map[crdt.Author]string)
	if s.remembered != nil {
		maps.Copy(names, s.remembered())
	}
	if s.daemon != nil {
		for _, m := range s.daemon.Members() {
			names[m.Author] = m.Name
		}
	}
	names[s.log.Author()] = s.name
	maps.DeleteFunc(names, func(a crdt.Author, name string) bool { return name == "" || name == a.Short() })
	return names
}
