package server

import (
	"context"
	"encoding/hex"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/condition"
)

// getMembers answers with what the daemon knows of other nodes.
func (s *server) getMembers(context.Context, *none) ([]api.Member, error) {
	if s.daemon == nil {
		return nil, &api.Error{Code: api.NotRunning, Message: "no daemon runs here: only a running one knows the members"}
	}
	all := s.daemon.Members()
	all[0].Unreplicated = s.daemon.Unreplicated()
	return all, nil
}

// getLinks answers with the links that the node has.
func (s *server) getLinks(context.Context, *none) ([]api.Link, error) {
	if s.daemon == nil {
		return nil, &api.Error{Code: api.NotRunning, Message: "no daemon runs here: only a running one has links"}
	}
	return s.daemon.Links(), nil
}

// getSettings answers with what the node runs with.
func (s *server) getSettings(context.Context, *none) ([]api.Setting, error) {
	return append([]api.Setting{}, s.settings...), nil
}

// postVerify walks the whole log.
func (s *server) postVerify(ctx context.Context, _ *none, tell func(api.Progress)) (told api.Report, err error) {
	report, err := s.log.VerifyWith(ctx, eventlog.VerifyOptions{Progress: func(done, total uint64, unit string) {
		tell(api.Progress{Done: done, Total: total, Unit: unit})
	}})
	if err != nil {
		return told, err
	}
	told = api.Report{
		OK: report.OK(), Authors: report.Authors, Ops: report.Ops, Entries: report.Entries,
		Offences: report.Offences, More: report.More,
	}
	for _, p := range report.Problems {
		told.Problems = append(told.Problems, p.String())
	}
	if report.Pages == 0 {
		told.Notes = append(told.Notes, "the pages of the file were not checked against each other: another process writes to it")
	}
	if why := s.log.Health().ReadOnly; why != nil {
		told.Notes = append(told.Notes, why.Error())
	}
	for _, h := range report.Holes {
		told.Holes = append(told.Holes, api.Hole{From: crdt.Place{Author: h.Author, Seq: h.From}, Entries: h.Upto - h.From})
	}
	return told, nil
}

// getProof answers with the proof of one entry.
func (s *server) getProof(ctx context.Context, in *placeInput) (crdt.EntryProof, error) {
	return s.log.Prove(ctx, in.Place)
}

// getStatus answers with who the node is and what it holds.
func (s *server) getStatus(context.Context, *none) (api.Status, error) {
	held := s.log.Stats()
	status := api.Status{
		Author: s.log.Author(), Name: s.name, Log: s.log.ID(), Version: s.version, Hash: s.log.Root(),
		Authors: held.Authors, Ops: held.Ops, Entries: held.Entries, Next: held.Next, Cursor: s.log.CursorAt(held.Next).String(), Bytes: held.Bytes,
		Free: held.Free, Trimmed: held.Trimmed, Pruned: held.Pruned,
		Forked: held.Forked, Ahead: held.Ahead, Writable: true,
	}
	status.Limits = api.Limits{Authors: held.Bounds.Authors, Others: held.Others, Quota: held.Bounds.Quota, Author: held.Bounds.Share}
	health := s.log.Health()
	for _, err := range []error{health.Mute, health.ReadOnly} {
		if err != nil {
			status.Writable, status.Reason = false, problem(err).Message
		}
	}
	if status.Recovering = s.recovery(); status.Recovering != nil {
		status.Reason = status.Recovering.String()
	}
	status.Conditions = condition.Told(condition.Of(s.log, nil, status.Recovering))
	status.AheadFeeds = s.aheadFeeds()
	if index, err := s.index(); err == nil { // else the file is damaged, which verify tells
		status.Index = index
	}
	if g, known := s.log.Genesis(); known {
		status.Genesis = hex.EncodeToString(g.Encode())
	}
	for author, reason := range s.log.ShutReasons() {
		if status.Shut == nil {
			status.Shut = map[crdt.Author]string{}
		}
		status.Shut[author] = string(reason)
	}
	if s.usedBy != nil {
		status.PID = s.usedBy()
	}
	if s.daemon != nil {
		status.Running = true
		s.daemon.Describe(&status)
		status.Unreplicated = s.daemon.Unreplicated()
	}
	return status, nil
}
