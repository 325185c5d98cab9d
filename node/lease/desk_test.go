package lease_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
	"github.com/quipulog/quipu/node/lease"
)

// counter is a desk for one follower, "f", in a bubble.
type counter struct {
	t    *testing.T
	log  *eventlog.Log
	desk *lease.Desk
}

// bubble runs a test at a desk in fake time. At its end nobody waits at the desk, and the follower has given up its name.
func bubble(t *testing.T, test func(t *testing.T, c *counter)) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{t: t, log: eventlogtest.Open(t)}
		c.desk = lease.New(c.log, slog.New(slog.DiscardHandler))
		test(t, c)
		c.desk.Close()
		c.free()
	})
}

// append appends an entry for each of some words.
func (c *counter) append(words ...string) {
	c.t.Helper()
	for _, w := range words {
		if _, err := c.log.Append(c.t.Context(), crdt.Event{Kind: "k", Subject: w}); err != nil {
			c.t.Fatal(err)
		}
	}
}

func request(holder string) lease.Request {
	return lease.Request{Name: "f", Lease: time.Minute, Holder: holder}
}

// fetch fetches a batch that says what is wanted, "" for none.
func (c *counter) fetch(r lease.Request, want string) *lease.Lease {
	c.t.Helper()
	got, err := c.desk.Fetch(c.t.Context(), r)
	if err != nil {
		c.t.Fatalf("fetch: %v", err)
	}
	if said := saying(got); said != want {
		c.t.Fatalf("%s was given %q, want %q", r.Holder, said, want)
	}
	return got
}

func saying(l *lease.Lease) string {
	if l == nil {
		return ""
	}
	var words []string
	for _, e := range l.Entries {
		words = append(words, e.Subject)
	}
	return strings.Join(words, " ")
}

func (c *counter) ack(l *lease.Lease) {
	c.t.Helper()
	if n, err := c.desk.Ack(c.t.Context(), "f", l.ID); n != len(l.Entries) || err != nil {
		c.t.Fatalf("ack: %d, %v", n, err)
	}
}

func (c *counter) nack(l *lease.Lease, after time.Duration) {
	c.t.Helper()
	if n, err := c.desk.Nack(c.t.Context(), "f", l.ID, errors.New("no room"), after); n != len(l.Entries) || err != nil {
		c.t.Fatalf("nack: %d, %v", n, err)
	}
}

// lost wants nothing to be done with a lease any more.
func (c *counter) lost(l *lease.Lease) {
	c.t.Helper()
	for what, err := range map[string]error{
		"ack":       second(c.desk.Ack(c.t.Context(), "f", l.ID)),
		"nack":      second(c.desk.Nack(c.t.Context(), "f", l.ID, errors.New("no"), 0)),
		"extend":    second(c.desk.Extend("f", l.ID, time.Hour)),
		"give back": second(c.desk.GiveBack("f", l.ID)),
	} {
		if !errors.Is(err, lease.ErrLost) {
			c.t.Errorf("%s: %v, want ErrLost", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// status returns where the follower stands.
func (c *counter) status() eventlog.FollowerStatus {
	c.t.Helper()
	s, err := c.log.Follower(c.t.Context(), "f")
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// free wants the follower not to run.
func (c *counter) free() {
	c.t.Helper()
	if c.status().Running {
		c.t.Error("the follower runs")
	}
}

func TestFetchAndAck(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		r := request("a")
		r.Config.MaxEntries = 2
		c.fetch(r, "")
		c.free()
		c.append("one", "two", "three")
		l := c.fetch(r, "one two")
		if want := time.Now().Add(time.Minute); !l.Until.Equal(want) || l.After != c.log.CursorAt(2) {
			t.Errorf("until %s, after %s, want %s", l.Until, l.After, want)
		}
		if s := c.status(); s.Cursor != 0 || !s.Running {
			t.Errorf("before the ack: %+v", s)
		}
		c.ack(l)
		if s := c.status(); s.Cursor != 2 || s.Handled != 2 || s.Running {
			t.Errorf("after the ack: %+v", s)
		}
		c.lost(l)
		c.ack(c.fetch(r, "three"))
		c.fetch(r, "")
	})
}

// TestAFetchWaits for what is for it, as long as it says and no longer.
func TestAFetchWaits(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		r := request("a")
		r.Wait, r.Config.Kinds = time.Minute, []string{"k"}
		begun := time.Now()
		c.fetch(r, "")
		if waited := time.Since(begun); waited != time.Minute {
			t.Errorf("it has waited for %s", waited)
		}
		c.free()
		time.AfterFunc(time.Second, func() { c.append("one") })
		begun = time.Now()
		c.ack(c.fetch(r, "one"))
		if waited := time.Since(begun); waited != time.Second {
			t.Errorf("it has waited for %s", waited)
		}
	})
}

// TestAConsumerThatLeavesIsGivenNothing: neither while it waits, nor when it leaves as the batch comes.
func TestAConsumerThatLeavesIsGivenNothing(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		r := request("a")
		r.Wait = time.Hour
		for _, late := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- second(c.desk.Fetch(ctx, r)) }()
			synctest.Wait()
			if late {
				cancel()
				c.append("one")
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("late is %t: %v", late, err)
			}
			synctest.Wait()
			if !late {
				c.free()
			}
		}
		if s := c.status(); s.Failure != nil {
			t.Errorf("it counts: %+v", s.Failure)
		}
		c.ack(c.fetch(request("b"), "one"))
	})
}

// TestTwoConsumersAtOnce: one has the batch or waits for it, the other is told who and until when.
func TestTwoConsumersAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		held := func(until time.Time) {
			t.Helper()
			_, err := c.desk.Fetch(t.Context(), request("b"))
			told, ok := errors.AsType[*lease.HeldError](err)
			if !ok || told.Holder != "a" || !told.Until.Equal(until) {
				t.Errorf("the other is told %v, want a and %s", err, until)
			}
			if now := c.desk.Held("f"); now == nil || *now != *told {
				t.Errorf("held is %v", now)
			}
		}
		r := request("a")
		r.Wait = time.Hour
		given := make(chan *lease.Lease, 1)
		waits := time.Now().Add(time.Hour)
		go func() {
			l, err := c.desk.Fetch(t.Context(), r)
			if err != nil {
				t.Error(err)
			}
			given <- l
		}()
		synctest.Wait()
		held(waits)
		c.append("one")
		l := <-given
		held(l.Until)
		until, err := c.desk.Extend("f", l.ID, 2*time.Minute)
		if want := time.Now().Add(2 * time.Minute); err != nil || !until.Equal(want) {
			t.Errorf("extended until %s, %v", until, err)
		}
		held(until)
		c.ack(l)
		if c.desk.Held("f") != nil {
			t.Error("it is held after the ack")
		}
		c.fetch(request("b"), "")
	})
}

// TestManyConsumers of one follower, some of which fail, handle each entry once.
func TestManyConsumers(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		var words []string
		for i := range 100 {
			words = append(words, fmt.Sprint(i))
		}
		c.append(words...)
		var mu sync.Mutex
		handled := map[string]int{}
		var running sync.WaitGroup
		for i := range 5 {
			running.Go(func() {
				r := request(fmt.Sprint("consumer ", i))
				r.Config.MaxEntries, r.Wait = 3, time.Second
				for n := 0; ; n++ {
					l, err := c.desk.Fetch(t.Context(), r)
					if _, held := errors.AsType[*lease.HeldError](err); held {
						time.Sleep(time.Duration(i+1) * time.Millisecond)
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					if l == nil && c.status().Lag == 0 {
						return
					}
					if l == nil {
						continue
					}
					time.Sleep(time.Millisecond)
					if n%4 == i%4 {
						c.nack(l, time.Millisecond)
						continue
					}
					mu.Lock()
					for _, e := range l.Entries {
						handled[e.Subject]++
					}
					mu.Unlock()
					c.ack(l)
				}
			})
		}
		running.Wait()
		for _, w := range words {
			if handled[w] != 1 {
				t.Errorf("%s was handled %d times", w, handled[w])
			}
		}
	})
}

// TestALeaseRunsOutInTheMiddle: the batch is the next consumer's, what the first says then moves nothing, and it counts.
func TestALeaseRunsOutInTheMiddle(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		c.append("one", "two")
		old := c.fetch(request("a"), "one two")
		time.Sleep(time.Minute - 1)
		if _, err := c.desk.Fetch(t.Context(), request("b")); err == nil {
			t.Error("it was given away before the lease ran out")
		}
		time.Sleep(time.Nanosecond)
		c.lost(old) // even before anybody has noticed
		synctest.Wait()
		if f := c.status().Failure; f == nil || f.Attempts != 1 || !strings.Contains(f.Error, "the lease of a has run out") {
			t.Errorf("failure %+v", f)
		}
		r := request("b")
		r.Wait = time.Minute
		l := c.fetch(r, "one two")
		c.lost(old)
		c.ack(l)
		if s := c.status(); s.Cursor != 2 || s.Handled != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestNackPutsOff: a batch is not offered before the time that the consumer has said, whether it is kept until then or
// read again, and who does not wait so long is told at once that there is nothing.
func TestNackPutsOff(t *testing.T) {
	for _, after := range []time.Duration{10 * time.Second, time.Hour} {
		bubble(t, func(t *testing.T, c *counter) {
			c.append("one")
			again := time.Now().Add(after)
			c.nack(c.fetch(request("a"), "one"), after)
			if f := c.status().Failure; f == nil || f.Error != "no room" || f.Attempts != 1 {
				t.Errorf("failure %+v", f)
			}
			r := request("b")
			r.Wait = after / 2
			for _, slept := range []time.Duration{0, lease.Linger} {
				time.Sleep(min(slept, after/4))
				begun := time.Now()
				c.fetch(r, "")
				if time.Since(begun) > time.Second {
					t.Errorf("it has waited for %s", time.Since(begun))
				}
			}
			r.Wait = 2 * after
			l := c.fetch(r, "one")
			if !time.Now().Equal(again) {
				t.Errorf("it was given at %s, want %s", time.Now(), again)
			}
			c.ack(l)
		})
	}
}

// TestIdleGivesUpTheName: a batch that failed and that nobody fetches again is let go, and what has failed counts on.
func TestIdleGivesUpTheName(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		c.append("one")
		r := request("a")
		r.Config.ParkAfter = 3
		for n := 1; n < 3; n++ {
			c.nack(c.fetch(r, "one"), time.Second)
			if n == 1 {
				time.Sleep(lease.Linger - time.Second)
				if !c.status().Running {
					t.Error("it was let go too early")
				}
			}
			time.Sleep(lease.Linger + time.Second)
			synctest.Wait()
			c.free()
			if f := c.status().Failure; f.Attempts != n {
				t.Errorf("failure %+v, want %d attempts", f, n)
			}
		}
		c.nack(c.fetch(r, "one"), time.Second)
		c.free() // parked
		if s := c.status(); s.Parked != 1 || s.Cursor != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestPoisonIsParked: consumers that die of one entry, or say no to it, are given less and less until that is parked.
func TestPoisonIsParked(t *testing.T) {
	for _, dies := range []bool{false, true} {
		bubble(t, func(t *testing.T, c *counter) {
			c.append("0", "1", "2", "3", "4", "poison", "6", "7")
			r := request("a")
			r.Config.ParkAfter, r.Wait = 2, time.Minute
			var given []string
			for l := c.some(r); l != nil; l = c.some(r) {
				given = append(given, saying(l))
				switch {
				case !strings.Contains(saying(l), "poison"):
					c.ack(l)
				case dies:
					time.Sleep(time.Until(l.Until))
				default:
					c.nack(l, time.Second)
				}
			}
			want := []string{"0 1 2 3 4 poison 6 7", "0 1 2 3 4 poison 6 7", "0 1 2 3", "4 poison", "4", "poison", "6 7"}
			if fmt.Sprintf("%q", given) != fmt.Sprintf("%q", want) {
				t.Errorf("given %q, want %q", given, want)
			}
			parked, err := c.log.Parked(t.Context(), "f")
			if err != nil || len(parked) != 1 || parked[0].Offset != 5 {
				t.Errorf("parked %+v, %v", parked, err)
			}
			if s := c.status(); s.Cursor != 8 || s.Handled != 7 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// some fetches whatever there is.
func (c *counter) some(r lease.Request) *lease.Lease {
	c.t.Helper()
	l, err := c.desk.Fetch(c.t.Context(), r)
	if err != nil {
		c.t.Fatal(err)
	}
	return l
}

// TestWhatIsGivenBackHasNotFailed: the next consumer is given it at once, even another one for other entries.
func TestWhatIsGivenBackHasNotFailed(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		c.append("one", "two")
		l := c.fetch(request("a"), "one two")
		if n, err := c.desk.GiveBack("f", l.ID); n != 2 || err != nil {
			t.Errorf("give back: %d, %v", n, err)
		}
		c.lost(l)
		l = c.fetch(request("b"), "one two")
		if _, err := c.desk.GiveBack("f", l.ID); err != nil {
			t.Error(err)
		}
		other := request("c")
		other.Config.MaxEntries = 1
		c.ack(c.fetch(other, "one"))
		if s := c.status(); s.Failure != nil || s.Cursor != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestAFollowerAndAFetchExcludeEachOther, and neither is left out when the other ends.
func TestAFollowerAndAFetchExcludeEachOther(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		c.append("one")
		follow := func(ctx context.Context) error {
			return c.log.Deliver(ctx, "f", eventlog.FollowConfig{}, nil, func(context.Context, eventlog.Delivery) error { return nil })
		}
		l := c.fetch(request("a"), "one")
		if err := follow(t.Context()); !errors.Is(err, eventlog.ErrFollowing) {
			t.Errorf("a follower beside a lease: %v", err)
		}
		if err := c.log.RemoveFollower(t.Context(), "f"); !errors.Is(err, eventlog.ErrFollowing) {
			t.Errorf("a removal beside a lease: %v", err)
		}
		c.ack(l)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- follow(ctx) }()
		synctest.Wait()
		if _, err := c.desk.Fetch(t.Context(), request("a")); !errors.Is(err, eventlog.ErrFollowing) {
			t.Errorf("a fetch beside a follower: %v", err)
		}
		cancel()
		<-ended
		c.append("two")
		c.ack(c.fetch(request("a"), "two"))
	})
}

// TestAResetTakesTheBatchAway: the ack of what was moved away from says that it comes again, or where that is behind the
// follower, that it does not.
func TestAResetTakesTheBatchAway(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		r := request("a")
		r.Config.MaxEntries = 2
		c.append("one", "two", "three", "four")
		c.ack(c.fetch(r, "one two"))
		l := c.fetch(r, "three four")
		if err := c.log.ResetFollower(t.Context(), "f", 1); err != nil {
			t.Fatal(err)
		}
		if _, err := c.desk.Ack(t.Context(), "f", l.ID); !errors.Is(err, lease.ErrLost) {
			t.Errorf("ack after a reset: %v", err)
		}
		l = c.fetch(r, "two three")
		if err := c.log.ResetFollower(t.Context(), "f", eventlog.Now); err != nil {
			t.Fatal(err)
		}
		c.ack(l)
		c.fetch(r, "")
	})
}

// TestClosing ends leases and those who wait, and gives nothing out any more.
func TestClosing(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		c.append("one")
		l := c.fetch(request("a"), "one")
		other := request("b")
		other.Name, other.Wait, other.Config.From = "g", time.Hour, eventlog.Now
		ended := make(chan error, 1)
		go func() { ended <- second(c.desk.Fetch(t.Context(), other)) }()
		synctest.Wait()
		c.desk.Close()
		if err := <-ended; !errors.Is(err, eventlog.ErrClosed) {
			t.Errorf("who waits is told %v", err)
		}
		if _, err := c.desk.Fetch(t.Context(), request("a")); !errors.Is(err, eventlog.ErrClosed) {
			t.Errorf("who comes is told %v", err)
		}
		c.lost(l)
		if s := c.status(); s.Failure != nil || s.Cursor != 0 {
			t.Errorf("it counts: %+v", s)
		}
	})
}

// TestSoManyTurns bounds the followers that have a batch at once, and gives the next its own when one has ended.
func TestSoManyTurns(t *testing.T) {
	bubble(t, func(t *testing.T, c *counter) {
		c.append("one")
		r := request("a")
		var last *lease.Lease
		for i := range lease.MaxTurns {
			if r.Name = fmt.Sprint("f", i); i == 0 {
				r.Name = "f"
			}
			last = c.fetch(r, "one")
		}
		r.Name = "more"
		if _, err := c.desk.Fetch(t.Context(), r); !errors.Is(err, lease.ErrTurns) {
			t.Errorf("one more: %v", err)
		}
		if _, err := c.desk.Ack(t.Context(), fmt.Sprint("f", lease.MaxTurns-1), last.ID); err != nil {
			t.Error(err)
		}
		c.fetch(r, "one")
	})
}
