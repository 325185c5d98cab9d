package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/node/age"
	"github.com/quipulog/quipu/node/api"
)

// Trimmer trims the log, and knows who keeps that back beside the log's own followers.
type Trimmer interface {
	// Trim forgets what policy, or the log's own if it is nil, lets go.
	Trim(ctx context.Context, policy *eventlog.TrimPolicy) (eventlog.TrimReport, error)
	// Holds returns what others keep back.
	Holds() []eventlog.Hold
	// DescribeTrim fills in who is waited for, how often it trims, and what it last did.
	DescribeTrim(*api.TrimStatus)
}

// postTrim trims the log.
func (s *server) postTrim(ctx context.Context, in *maybe[api.TrimRequest]) (told api.TrimReport, err error) {
	policy, err := s.trimPolicy(in.value())
	if err != nil {
		return told, err
	}
	told = api.TrimReport{Policy: tellPolicy(policy), Before: s.fileUse()}
	report, err := s.trimmer.Trim(ctx, &policy)
	if err != nil {
		return told, err
	}
	told.Trimmed, told.Pruned, told.After = tellForgotten(report.Trimmed), tellForgotten(report.Pruned), s.fileUse()
	told.Ahead, told.ClockOff = tellKept(report.Ahead), report.ClockOff.Seconds()
	for _, h := range report.Held {
		told.Held = append(told.Held, api.Holder{
			Name: h.Name, Offset: h.Offset, Behind: h.Behind, Until: h.Until, Entries: h.Entries, Overrun: h.Overrun,
		})
	}
	return told, nil
}

// trimPolicy returns the log's policy with what the request changes of it.
func (s *server) trimPolicy(order api.TrimRequest) (eventlog.TrimPolicy, error) {
	own := s.log.TrimPolicy()
	p := own
	if order.MinAge != nil {
		if p.MinAge = time.Duration(*order.MinAge); p.MinAge == 0 {
			p.MinAge = -1
		}
	}
	if order.MinCount != nil {
		if p.MinCount = *order.MinCount; p.MinCount == 0 {
			p.MinCount = eventlog.NoCount
		}
	}
	if p.KeepsLess(own) && !order.Force {
		told, least := tellPolicy(p), tellPolicy(own)
		return p, invalid(fmt.Errorf("an age of %s and a count of %d keep less than this node's policy, %s and %d: what goes sooner here than elsewhere cannot be given to nodes that still want it, so it takes force",
			told.MinAge, told.MinCount, least.MinAge, least.MinCount))
	}
	return p, nil
}

// getTrim answers with the policy, who keeps back trims, and what the last one did.
func (s *server) getTrim(context.Context, *none) (api.TrimStatus, error) {
	held := s.log.Stats()
	told := api.TrimStatus{
		Policy: tellPolicy(s.log.TrimPolicy()), File: api.FileUse{Bytes: held.Bytes, Free: held.Free},
		Trimmed: held.Trimmed, Pruned: held.Pruned,
	}
	told.Ahead, told.ClockOff = s.aheadFeeds(), s.log.ClockOff().Seconds()
	s.trimmer.DescribeTrim(&told)
	holders, err := s.log.Holders(s.trimmer.Holds())
	if err != nil {
		return told, err
	}
	for _, h := range holders {
		told.Holders = append(told.Holders, api.Holder{
			Name: h.Name, Offset: h.Offset, Behind: h.Behind, Until: h.Until, Prunes: h.Prunes, Overrun: h.Overrun,
		})
	}
	return told, nil
}

// getGone streams what is not here, by author.
func (s *server) getGone(w http.ResponseWriter, r *http.Request, _ *none) {
	stream(s, w, r, each(s.log.Gone(), nil), func(g eventlog.GoneFrom) api.GoneFrom {
		return api.GoneFrom{Author: g.Author, First: g.First, Trimmed: g.Trimmed, Missed: g.Missed, Floor: g.Floor}
	})
}

// fileUse returns what the log's file takes up.
func (s *server) fileUse() api.FileUse {
	held := s.log.Stats()
	return api.FileUse{Bytes: held.Bytes, Free: held.Free}
}

// tellPolicy returns a policy as a client is told it.
func tellPolicy(p eventlog.TrimPolicy) api.TrimPolicy {
	told := api.TrimPolicy{
		MinAge: age.Age(max(p.MinAge, 0)), MinCount: p.MinCount, MaxHold: p.MaxHold, KeepBodies: p.KeepBodies, KeepPruned: p.KeepPruned,
	}
	if p.MinCount == eventlog.NoCount {
		told.MinCount = 0
	}
	return told
}

func tellForgotten(f eventlog.Forgotten) api.Forgotten {
	told := api.Forgotten{Ops: f.Ops, Entries: f.Entries, Bytes: f.Bytes}
	for _, l := range f.Lost {
		told.Lost = append(told.Lost, api.Hole{From: crdt.Place{Author: l.Author, Seq: l.From}, Entries: l.Upto - l.From})
	}
	return told
}

// TellTrim returns a trim that a daemon has made as its clients are told it.
func TellTrim(at time.Time, took time.Duration, report eventlog.TrimReport, err error) *api.LastTrim {
	told := &api.LastTrim{
		At: at, Seconds: took.Seconds(), Trimmed: tellForgotten(report.Trimmed), Pruned: tellForgotten(report.Pruned), Ahead: tellKept(report.Ahead),
	}
	if err != nil {
		told.Error = err.Error()
	}
	return told
}

// alone is the [Trimmer] of a log that nobody else has a stake in.
type alone struct{ log *eventlog.Log }

func (a alone) Trim(ctx context.Context, policy *eventlog.TrimPolicy) (eventlog.TrimReport, error) {
	return a.log.Trim(ctx, eventlog.TrimOptions{Policy: policy})
}

func (alone) Holds() []eventlog.Hold { return nil }

func (alone) DescribeTrim(s *api.TrimStatus) { s.Waits = "followers" }
