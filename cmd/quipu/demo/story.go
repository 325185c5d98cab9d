package demo

import (
	"cmp"
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/node/api"
	"github.com/quipulog/quipu/node/client"
)

// MinNodes is the least number of nodes: one that is killed, one that goes offline, one that stays.
const MinNodes = 3

// MaxNodes is the greatest number of nodes: each is a process, and all run on one machine.
const MaxNodes = 64

// Config says what to run. Exe and Out are required.
type Config struct {
	// Nodes is how many nodes there are, MinNodes to MaxNodes. Default: 5.
	Nodes int
	// Seed picks the node that is killed, when, and the one that goes offline.
	Seed uint64
	// Page has the nodes run on when all is shown, each with its page, until ctx ends.
	Page bool
	// Keep is the folder that the nodes' folders are left in; it must not hold any yet. Default: a
	// temporary one, which is removed.
	Keep string
	// Input holds the transitions, one JSON object a line. Default: the proposals.
	Input io.Reader
	// Exe is the binary that runs as "quipu start".
	Exe string
	// Out takes the story; Terminal says that it can redraw a line.
	Out      io.Writer
	Terminal bool
}

// convergeFor is how long the nodes may take to hold the same.
const convergeFor = 20 * time.Second

// demo is one run.
type demo struct {
	cfg     Config
	random  *rand.Rand
	say     *progress
	moves   []move
	log     crdt.LogID
	scripts []*script
	victim  *script // is killed
	sleeper *script // goes offline

	writing  time.Duration // all the time in which moves were written
	converge time.Duration // from the last ack until all held the same
}

// Run runs the demo. It returns an error unless everything that it shows holds. The child processes
// have ended when it returns, and the temporary folder is gone. With a page the end of ctx is no error once there is a link
// to look at.
func Run(ctx context.Context, cfg Config) (err error) {
	cfg.Nodes = cmp.Or(cfg.Nodes, 5)
	if cfg.Nodes < MinNodes || cfg.Nodes > MaxNodes {
		return fmt.Errorf("%d nodes: the demo takes %d to %d", cfg.Nodes, MinNodes, MaxNodes)
	}
	moves, err := readInput(cfg.Input)
	if err != nil {
		return err
	}
	d := &demo{
		cfg: cfg, random: rand.New(rand.NewPCG(cfg.Seed, 0)), moves: moves, say: newProgress(cfg.Out, cfg.Terminal),
	}
	dir, remove, err := d.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	defer func() {
		if err != nil && ctx.Err() == nil {
			d.showLastWords()
		}
		for _, s := range d.scripts {
			err = errors.Join(err, s.kill())
		}
	}()
	return d.run(ctx, dir)
}

// folder makes the folder for the nodes' folders, and returns what removes it.
func (d *demo) folder() (dir string, remove func() error, err error) {
	if keep := d.cfg.Keep; keep != "" {
		if err := os.MkdirAll(keep, 0o700); err != nil {
			return "", nil, fmt.Errorf("keep: %w", err)
		}
		if inside, err := os.ReadDir(keep); err != nil || len(inside) > 0 {
			return "", nil, errors.Join(fmt.Errorf("keep: %s is not empty: name a new folder", keep), err)
		}
		return keep, func() error { return nil }, nil
	}
	dir, err = os.MkdirTemp("", "quipu-demo-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

func (d *demo) run(ctx context.Context, dir string) error {
	d.showBeginning(dir)
	for _, chapter := range []func(context.Context) error{
		func(ctx context.Context) error { return d.makeNodes(ctx, dir) },
		d.startAll, d.writeFirst, d.writeThroughFaults, d.bringBack, d.writeRest, d.noteMoves, d.awaitConvergence,
		d.check, d.explain,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	if !d.cfg.Page {
		err := d.stopAll(ctx)
		if err == nil {
			d.showEnd(dir)
		}
		return err
	}
	d.showEnd(dir)
	if err := d.showPage(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return d.stopAll(context.WithoutCancel(ctx))
}

// makeNodes makes the nodes, deals the moves out, and picks who is to fail.
func (d *demo) makeNodes(ctx context.Context, dir string) error {
	secret := make([]byte, 32)
	_, _ = cryptorand.Read(secret) // never fails, see crypto/rand
	for i, moves := range split(d.moves, d.cfg.Nodes) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		name := fmt.Sprintf("node-%d", i+1)
		m, log, err := newMember(name, filepath.Join(dir, name), d.log, secret)
		if err != nil {
			return err
		}
		d.log, m.page = log, d.cfg.Page
		d.scripts = append(d.scripts, &script{member: m, moves: moves, notes: d.cfg.Page})
	}
	order := d.random.Perm(d.cfg.Nodes)
	d.victim, d.sleeper = d.scripts[order[0]], d.scripts[order[1]]
	return nil
}

// startAll starts the daemons. All but the first join by the first, which each then learns of all others.
func (d *demo) startAll(ctx context.Context) error {
	d.say.begin("starting the nodes", 0)
	first := d.scripts[0]
	if err := first.start(ctx, d.cfg.Exe, nil); err != nil {
		return err
	}
	if err := d.each(ctx, d.scripts[1:], func(ctx context.Context, s *script) error {
		return s.start(ctx, d.cfg.Exe, []string{first.addr})
	}); err != nil {
		return err
	}
	if err := d.await(ctx, "linked", func(s api.Status) bool { return s.Linked == d.cfg.Nodes-1 }); err != nil {
		return err
	}
	d.say.say("%d daemons are up, each linked to every other", d.cfg.Nodes)
	return d.each(ctx, d.scripts, func(ctx context.Context, s *script) error { return s.noteNow(ctx, kindStarted) })
}

// writeFirst writes the first third of everything, on all nodes at once.
func (d *demo) writeFirst(ctx context.Context) error {
	part := func(s *script) int { return len(s.moves) / 3 }
	d.say.begin("writing on all nodes", d.left(part))
	err := d.timed(func() error {
		return d.each(ctx, d.scripts, func(ctx context.Context, s *script) error {
			return s.write(ctx, part(s), d.tick)
		})
	})
	if err == nil {
		d.say.say("wrote %s transitions through all of them", thousands(d.acked()))
	}
	return err
}

// writeThroughFaults writes the second third while one node is killed and another goes offline, and is
// written to all the same.
func (d *demo) writeThroughFaults(ctx context.Context) error {
	part := func(s *script) int { return len(s.moves) * 2 / 3 }
	before := d.acked()
	d.say.begin("writing through a crash", d.left(part))
	err := d.timed(func() error {
		return d.each(ctx, d.scripts, func(ctx context.Context, s *script) error {
			switch s {
			case d.victim:
				// Anywhere in this third, with the rest of it on its way.
				at := s.acked + 1 + d.random.IntN(max(1, (part(s)-s.acked)/2))
				return s.writeAndKill(ctx, at, part(s), d.tick)
			case d.sleeper:
				if err := s.stop(); err != nil {
					return err
				}
				if err := s.noteNow(ctx, kindCut); err != nil {
					return err
				}
				return s.write(ctx, part(s), d.tick)
			}
			return s.write(ctx, part(s), d.tick)
		})
	})
	if err != nil {
		return err
	}
	d.say.say("killed %s (SIGKILL) after %d of its acks, with more in flight", d.victim.name, d.victim.acked)
	d.say.say("stopped the daemon of %s and went on writing to it offline, %d transitions", d.sleeper.name, part(d.sleeper)-len(d.sleeper.moves)/3)
	d.say.say("wrote %s transitions meanwhile", thousands(d.acked()-before))
	return nil
}

// bringBack starts the two again. The killed one's feed says where to go on.
func (d *demo) bringBack(ctx context.Context) error {
	d.say.begin("bringing both back", 0)
	var join []string
	for _, s := range d.scripts {
		if s != d.victim && s != d.sleeper {
			join = append(join, s.addr)
		}
	}
	if err := d.each(ctx, []*script{d.victim, d.sleeper}, func(ctx context.Context, s *script) error {
		return s.start(ctx, d.cfg.Exe, join)
	}); err != nil {
		return err
	}
	acked := d.victim.acked
	found, err := d.victim.resume(ctx)
	if err != nil {
		return err
	}
	if err := d.await(ctx, "linked again", func(s api.Status) bool { return s.Linked > 0 }); err != nil {
		return err
	}
	d.say.say("both are back; %s has all %d that it had acked, and %d more that were in flight", d.victim.name, acked, found-acked)
	if err := d.victim.noteNow(ctx, kindStarted); err != nil {
		return err
	}
	return d.sleeper.noteNow(ctx, kindLinked)
}

// writeRest writes what is left, on all nodes.
func (d *demo) writeRest(ctx context.Context) error {
	part := func(s *script) int { return len(s.moves) }
	d.say.begin("writing the rest", d.left(part))
	return d.timed(func() error {
		return d.each(ctx, d.scripts, func(ctx context.Context, s *script) error {
			return s.write(ctx, part(s), d.tick)
		})
	})
}

// awaitConvergence waits until all nodes hold everything, and the same.
func (d *demo) awaitConvergence(ctx context.Context) error {
	d.say.begin("waiting until all hold the same", 0)
	began := time.Now()
	total := uint64(len(d.moves) + len(d.noted()))
	if err := d.await(ctx, "holding everything", func(s api.Status) bool { return s.Entries >= total }); err != nil {
		return err
	}
	d.converge = time.Since(began)
	d.say.say("all nodes hold everything, %s after the last ack", d.converge.Round(time.Millisecond))
	return nil
}

// stopAll stops the daemons cleanly.
func (d *demo) stopAll(ctx context.Context) error {
	return d.each(ctx, d.scripts, func(_ context.Context, s *script) error { return s.stop() })
}

// each calls fn for several nodes at once.
func (d *demo) each(ctx context.Context, scripts []*script, fn func(context.Context, *script) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range scripts {
		group.Go(func() error { return fn(ctx, s) })
	}
	return group.Wait()
}

// await asks every node for its status until all are as wanted.
func (d *demo) await(ctx context.Context, what string, wanted func(api.Status) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, convergeFor, fmt.Errorf("not all nodes were %s within %s", what, convergeFor))
	defer cancel()
	return d.each(ctx, d.scripts, func(ctx context.Context, s *script) error {
		return s.with(ctx, func(c *client.Client) error {
			for {
				status, err := c.Status(ctx)
				if err != nil || wanted(status) {
					return err
				}
				select {
				case <-time.After(10 * time.Millisecond):
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		})
	})
}

// timed adds the time that fn takes to the time of writing.
func (d *demo) timed(fn func() error) error {
	began := time.Now()
	defer func() { d.writing += time.Since(began) }()
	return fn()
}

// tick counts an ack.
func (d *demo) tick() error {
	d.say.tick()
	return nil
}

// acked returns how many moves have been acked.
func (d *demo) acked() int {
	n := 0
	for _, s := range d.scripts {
		n += s.acked
	}
	return n
}

// left returns how many moves there are before the ends that part says.
func (d *demo) left(part func(*script) int) int {
	n := 0
	for _, s := range d.scripts {
		n += part(s) - s.acked
	}
	return n
}
