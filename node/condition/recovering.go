package condition

import (
	"errors"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/gossip"
	"github.com/quipulog/quipu/node/api"
)

// Asking is what a daemon knows of how the members are asked where its own feed ends.
type Asking struct {
	// Progress is nil while nobody is asked.
	Progress *gossip.OwnEndProgress
	// Copy is that another process with our key was met; nil for not.
	Copy error
	// Names are what nodes call themselves.
	Names map[crdt.Author]string
}

// Recovering returns why a log does not append that may not know the end of its own feed, and how far it is; nil where
// it appends, and where that is not why. Ask returns how the members are asked then; nil says that no daemon runs.
func Recovering(log *eventlog.Log, ask func() Asking) *api.Recovery {
	state, ok := errors.AsType[*eventlog.RecoveringError](log.Health().Mute)
	if !ok {
		return nil
	}
	why := *state
	why.Missing, why.Detail = nil, "" // the first have names below, and the second has a field of its own
	r := &api.Recovery{Author: log.Author(), Why: why.Why.String(), Text: why.Error(), Detail: state.Detail, Since: why.Since.UTC()}
	if state.Own.Next > 0 {
		r.From = &api.Head{Next: state.Own.Next, Op: state.Own.ID}
	}
	if heads := log.Feed(log.Author()).Heads(); len(heads) > 0 {
		last := heads[len(heads)-1]
		r.End = api.Head{Next: last.Next, Op: last.ID}
	}
	if ask == nil {
		return r
	}
	asking := ask()
	r.Asking = true
	if asking.Copy != nil {
		r.Copy = asking.Copy.Error()
	}
	if p := asking.Progress; p != nil {
		asking.tell(r, p)
	}
	return r
}

// tell fills in what the members have said so far.
func (a *Asking) tell(r *api.Recovery, p *gossip.OwnEndProgress) {
	r.Came, r.PerSecond, r.Claimed = p.Entries, p.PerSecond, p.Claimed
	r.Sources, r.Asked = a.named(p.From), a.named(p.Asked)
	r.Missing, r.Without = a.absent(p.Missing), a.absent(p.Without)
	for _, c := range p.Unproven {
		r.Unproven = append(r.Unproven, api.Claim{Named: api.Named{Author: c.Author, Name: c.Name}, Next: c.Next})
	}
}

func (a *Asking) named(authors []crdt.Author) []api.Named { return api.NamesOf(authors, a.Names) }

func (a *Asking) absent(members []gossip.Absent) (all []api.Absent) {
	for _, m := range members {
		all = append(all, api.Absent{
			Named: api.Named{Author: m.Author, Name: m.Name}, Addr: m.Addr, Since: m.Since.UTC(), Why: m.Why, By: a.named(m.By),
		})
	}
	return all
}

// Passing reports whether it is over in seconds: where the folder has only moved, unless it is a copy.
func Passing(r *api.Recovery) bool { return r.Why == eventlog.WhyMoved.String() && r.Copy == "" }
