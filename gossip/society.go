package gossip

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/gossip/membership"
)

// society is who there is, as gossip needs to know it. *membership.Membership satisfies it.
type society interface {
	// Run takes part until ctx ends; Pump reads what arrives until the port is closed.
	Run(ctx context.Context) error
	Pump(ctx context.Context)
	// Members, Member and Changed say who is known.
	Members() []membership.Member
	Member(crdt.Author) (membership.Member, bool)
	Changed() <-chan struct{}
	// Hints hands over what the membership has carried, Hinted says that there is something.
	Hints() (adverts []membership.Advert, rootDiffers bool)
	Hinted() <-chan struct{}
	// Advertise and Join tell others of us.
	Advertise(crdt.Author, []crdt.Head)
	Join(context.Context, crdt.Author, netip.AddrPort) error
	// Met tells it of a peer that has proven who it is, and that it holds the secret.
	Met(crdt.Author)
	// Doubt tells it that a stream to some member broke without a word.
	Doubt()
	Counts() membership.Counts
	// Twin is where another node with our key was last announced, and when; zero times for never.
	Twin() (netip.AddrPort, time.Time)
}

// alone is the society of a node that is no member: it dials others, and nobody knows of it.
type alone struct{}

var errAlone = errors.New("this node is no member: it only dials")

func (alone) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (alone) Pump(ctx context.Context)                                { <-ctx.Done() }
func (alone) Members() []membership.Member                            { return nil }
func (alone) Member(crdt.Author) (m membership.Member, known bool)    { return m, false }
func (alone) Changed() <-chan struct{}                                { return nil }
func (alone) Hints() (adverts []membership.Advert, rootDiffers bool)  { return nil, false }
func (alone) Hinted() <-chan struct{}                                 { return nil }
func (alone) Advertise(crdt.Author, []crdt.Head)                      {}
func (alone) Join(context.Context, crdt.Author, netip.AddrPort) error { return errAlone }
func (alone) Met(crdt.Author)                                         {}
func (alone) Doubt()                                                  {}
func (alone) Counts() membership.Counts                               { return membership.Counts{} }
func (alone) Twin() (at netip.AddrPort, seen time.Time)               { return at, seen }
