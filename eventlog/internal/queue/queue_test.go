package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// line is a queue under test, with what was committed: the requests of a batch together, and the name of each
// that was alone.
type line struct {
	*Queue[*string]
	t         *testing.T
	committed []string // written by whoever leads
	led       int      // how often somebody was done with leading
	wg        sync.WaitGroup
}

func newLine(t *testing.T) *line {
	l := &line{t: t}
	l.Queue = New(Config[*string]{
		MaxBytes: 3,
		Commit: func(rs []*string) {
			batch := ""
			for _, r := range rs {
				batch += *r
			}
			l.committed = append(l.committed, batch)
		},
		Leave: func() { l.led++; l.Leave() },
	})
	return l
}

// join has a request of one byte wait; it gets want.
func (l *line) join(ctx context.Context, name string, want error) {
	l.waits(want, func() error { return l.Join(ctx, &name, 1) })
}

// alone has name written alone; its owner gets want.
func (l *line) alone(way func(context.Context, func() error) error, ctx context.Context, name string, want error) {
	l.waits(want, func() error {
		return way(ctx, func() error {
			l.committed = append(l.committed, name)
			return nil
		})
	})
}

// waits lets a goroutine do something, and goes on when it waits.
func (l *line) waits(want error, do func() error) {
	l.wg.Go(func() {
		if err := do(); !errors.Is(err, want) {
			l.t.Errorf("error %v, want %v", err, want)
		}
	})
	synctest.Wait()
}

// run lets those who wait lead, and compares what was committed.
func (l *line) run(want ...string) {
	l.t.Helper()
	l.Leave()
	l.wg.Wait()
	l.committedIs(want...)
}

func (l *line) committedIs(want ...string) {
	l.t.Helper()
	if diff := cmp.Diff(want, l.committed); diff != "" {
		l.t.Errorf("committed (-want +got):\n%s", diff)
	}
}

// TestOrder lets requests share what they may: they never pass one that writes alone, nor the bound.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		l.Lead()
		for _, name := range []string{"a", "b", "-", "c", "d", "e", "f", "-", "g"} {
			if name == "-" {
				l.alone(l.Exclusively, t.Context(), name, nil)
			} else {
				l.join(t.Context(), name, nil)
			}
		}
		l.run("ab", "-", "cde", "f", "-", "g")
		if l.led != 6 {
			t.Errorf("led %d times, want 6", l.led)
		}
	})
}

// TestPatiently lets one of the others go between two that are patient; where there is none nobody waits for it.
func TestPatiently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		l.Lead()
		for i := range 4 {
			l.alone(l.Patiently, t.Context(), fmt.Sprint(i), nil)
		}
		l.join(t.Context(), "a", nil)
		l.alone(l.Exclusively, t.Context(), "-", nil)
		l.run("0", "a", "1", "-", "2", "3")
	})
}

// TestAwaitsWhoIsComing has a leader wait for those whom the last commit has woken while one of them says that it is
// coming: until all of them are back, or until nobody is coming any more. Whoever it expects and who says nothing does
// not keep it.
func TestAwaitsWhoIsComing(t *testing.T) {
	for name, c := range map[string]struct {
		come int
		end  func(l *line)
		want []string
	}{
		"nobody comes": {0, func(l *line) {}, []string{"abc", "d"}},
		"all are back": {3, func(l *line) {
			l.join(l.t.Context(), "e", nil)
			l.committedIs("abc")
			l.join(l.t.Context(), "f", nil) // though two have not said that they are here
		}, []string{"abc", "def"}},
		"one comes without joining": {1, func(l *line) { l.Arrive() }, []string{"abc", "d"}},
		"the last of two":           {2, func(l *line) { l.Arrive(); synctest.Wait(); l.committedIs("abc"); l.Arrive() }, []string{"abc", "d"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLine(t)
				l.Lead()
				for _, name := range []string{"a", "b", "c"} {
					l.join(t.Context(), name, nil)
				}
				l.run("abc")
				for range c.come {
					l.Come()
				}
				l.join(t.Context(), "d", nil) // leads
				if c.come > 0 {
					l.committedIs("abc")
				}
				c.end(l)
				l.wg.Wait()
				l.committedIs(c.want...)
			})
		})
	}
}

// TestContext ends the waiting of some: the others share what is left, and an empty batch goes.
func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		l.Lead()
		ctx, cancel := context.WithCancel(t.Context())
		l.join(ctx, "x", context.Canceled)
		l.alone(l.Exclusively, ctx, "x", context.Canceled)
		l.join(t.Context(), "a", nil)
		l.join(ctx, "x", context.Canceled)
		l.join(t.Context(), "b", nil)
		l.alone(l.Patiently, ctx, "x", context.Canceled)
		cancel()
		synctest.Wait()
		l.join(ctx, "late", context.Canceled)
		l.alone(l.Exclusively, ctx, "late", context.Canceled)
		l.join(t.Context(), "c", nil)
		l.run("abc")
	})
}

// TestContextOnceTaken ends a context while the batch is committed: its requests wait for the outcome.
func TestContextOnceTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		var q *Queue[*int]
		q = New(Config[*int]{MaxBytes: 3, Commit: func([]*int) { <-done }, Leave: func() { q.Leave() }})
		q.Lead()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := q.Join(ctx, new(int), 1); err != nil {
					t.Errorf("join: %v", err)
				}
			})
		}
		synctest.Wait()
		q.Leave() // to one of them, who commits all
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(done)
		wg.Wait()
	})
}

// TestFail fails all that waits, and all that comes.
func TestFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		l := newLine(t)
		l.Lead()
		l.join(t.Context(), "a", broken)
		l.alone(l.Exclusively, t.Context(), "-", broken)
		l.alone(l.Patiently, t.Context(), "-", broken)
		l.Fail(broken)
		l.join(t.Context(), "b", broken)
		l.alone(l.Exclusively, t.Context(), "-", broken)
		l.run()
	})
}

// TestLeadIsKept has a leader leave the lead to another, who leads on until it is done.
func TestLeadIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var committed []int
		var kept bool
		var q *Queue[int]
		q = New(Config[int]{
			MaxBytes: 1,
			Commit:   func(rs []int) { committed = append(committed, rs...) },
			Leave: func() {
				if kept = len(committed) == 1; !kept {
					q.Leave()
				}
			},
		})
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				if err := q.Join(t.Context(), i, 1); err != nil {
					t.Errorf("join: %v", err)
				}
			})
			synctest.Wait()
		}
		if !kept || !slices.Equal(committed, []int{0}) {
			t.Errorf("committed %v with the lead kept", committed)
		}
		q.Leave()
		wg.Wait()
		if !slices.Equal(committed, []int{0, 1, 2}) {
			t.Errorf("committed %v", committed)
		}
	})
}

// TestManyAtOnce commits each request of many goroutines once, however they meet.
func TestManyAtOnce(t *testing.T) {
	const each, writers = 50, 8
	counts := make([]int, each*writers) // written by whoever leads
	var q *Queue[*int]
	q = New(Config[*int]{
		MaxBytes: 5,
		Commit: func(rs []*int) {
			if len(rs) > 5 {
				t.Errorf("a batch of %d, want 5 at most", len(rs))
			}
			for _, r := range rs {
				*r++
			}
		},
		Leave: func() { q.Leave() },
	})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				n := &counts[w*each+i]
				err := error(nil)
				switch i % 5 {
				case 3:
					err = q.Exclusively(t.Context(), func() error { *n++; return nil })
				case 4:
					err = q.Patiently(t.Context(), func() error { *n++; return nil })
				default:
					err = q.Join(t.Context(), n, 1)
				}
				if err != nil || *n != 1 {
					t.Errorf("writer %d: %d times, %v", w, *n, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestSlot waits for a slot until its holder leaves it or the context ends.
func TestSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSlot()
		if err := s.Take(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var given, staying sync.WaitGroup
		given.Go(func() {
			if err := s.Take(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("take until the context ends: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		given.Wait()
		staying.Go(func() {
			if err := s.Take(t.Context()); err != nil {
				t.Errorf("take: %v", err)
			}
		})
		synctest.Wait()
		s.Leave()
		staying.Wait()
		s.Leave()
		if err := s.Take(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("take a free slot once the context has ended: %v", err)
		}
	})
}
