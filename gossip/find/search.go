package find

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/backoff"
)

// ErrSelf and ErrTwin are wrapped by the error of a try where this node's own key answers: this process, or
// another one, a copy of this node's folder, or what its folder was copied from. Neither is anybody to join,
// so the next try is as late as can be.
var (
	ErrSelf = errors.New("this node answers there itself")
	ErrTwin = errors.New("another process with this node's key answers there")
)

// Search says how the seeds are tried. Try, Resolver, Low, High and Logger are required.
type Search struct {
	// Try makes sure that whoever answers at the address of a seed is a member, and returns who. With an error
	// it returns who the seed is said to be. Many goroutines call it.
	Try func(context.Context, Seed) (crdt.Author, error)
	// Resolver looks up the names among the seeds.
	Resolver Resolver
	// Remembered is where members were in earlier runs; the first 256 are used.
	Remembered []Found
	// LAN is the network on which others are heard; nil means that nobody is listened to.
	LAN *LAN
	// Low and High are the first and the longest pause between two tries that fail.
	Low, High time.Duration
	Logger    *slog.Logger
}

const (
	// tryTime bounds one try.
	tryTime = 10 * time.Second
	// nameTime is the time between two look-ups of a name that has led to a member; ± a quarter. The
	// look-ups of one that has not follow each other as failed dials do.
	nameTime = 30 * time.Second
	// rememberedTime is the longest pause between two tries of an address that was only remembered.
	rememberedTime = time.Minute
)

// Run tries, again and again and with growing pauses, every seed that is no member, until ctx ends, and waits
// for the tries that are under way. So a node finds the others whenever they come up, and the halves of
// a partition find each other after it.
func (s *Seeds) Run(ctx context.Context, how Search) {
	s.found(Remembered, "", how.Remembered[:min(len(how.Remembered), maxSeeds)])
	var work sync.WaitGroup
	defer work.Wait()
	if how.LAN != nil {
		work.Go(func() {
			how.LAN.Run(ctx, func(now []Found) { s.found(MDNS, "", now) })
		})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.wake:
		}
		now := time.Now()
		for _, seed := range s.due(now) {
			work.Go(func() { s.try(ctx, how, seed) })
		}
		timer.Reset(max(s.next(now.Add(how.High)).Sub(now), how.Low/2))
	}
}

// try tries a seed once.
func (s *Seeds) try(ctx context.Context, how Search, seed Seed) {
	once, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	peer, err := seed.Peer, error(nil)
	if seed.target.Leads() {
		err = s.lookUp(once, how, seed)
	} else {
		peer, err = how.Try(once, seed)
	}
	now := time.Now()
	var news bool
	s.tried(seed.Addr, func(seed *Seed) {
		news = seed.Tries == 0 || (err == nil) != (seed.Err == nil) || err != nil && err.Error() != seed.Err.Error()
		seed.Tries++
		seed.Err, seed.Peer = err, peer
		seed.Joined = err == nil && !seed.target.Leads()
		s.plan(seed, how, now)
		s.nudge()
	})
	switch {
	case !news || ctx.Err() != nil:
	case err != nil && seed.Source == Configured:
		how.Logger.Warn("cannot join yet; trying again", "addr", seed.Addr, "err", err)
	case err != nil:
		how.Logger.Debug("cannot join yet; trying again", "addr", seed.Addr, "source", seed.Source, "err", err)
	case !seed.target.Leads():
		how.Logger.Info("joined", "addr", seed.Addr, "source", seed.Source)
	}
}

// plan says, for a caller that holds mu, when a seed that was just tried is tried again.
func (s *Seeds) plan(seed *Seed, how Search, now time.Time) {
	switch {
	case seed.Err == nil && seed.target.Leads() && s.joinedBy(seed.Addr):
		seed.pause = backoff.Until(now.Add(backoff.Jittered(nameTime)))
	case seed.Err == nil && seed.target.Leads():
		seed.pause.Fail(now, how.Low, how.High) // Nobody answers there: there may be others soon.
	case seed.Err == nil:
		seed.pause = backoff.Until(now.Add(how.High)) // Look again, if nobody says before that it may have gone.
	case errors.Is(seed.Err, ErrSelf), errors.Is(seed.Err, ErrTwin):
		seed.pause.Fail(now, how.High, how.High)
	case seed.Source == Remembered:
		seed.pause.Fail(now, how.Low, rememberedTime)
	default:
		seed.pause.Fail(now, how.Low, how.High)
	}
}

// lookUp finds out which addresses a name leads to; they become seeds of their own. When it fails,
// those that it led to before stay.
func (s *Seeds) lookUp(ctx context.Context, how Search, seed Seed) error {
	addrs, err := seed.target.Resolve(ctx, how.Resolver)
	if err != nil {
		return err
	}
	found := make([]Found, len(addrs))
	for i, a := range addrs {
		found[i].Addr = a
	}
	s.found(DNS, seed.Addr, found)
	return nil
}
