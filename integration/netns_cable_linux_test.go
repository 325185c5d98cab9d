package integration

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// conditions is what a direction of a cable does to the frames on it. The zero value passes them on as
// they are. The words are those of tc netem, whose work this is: the kernels of many small machines
// are built without it.
type conditions struct {
	delay     time.Duration
	jitter    time.Duration // the delay is delay ± jitter; it does not reorder
	loss      float64       // share of the frames that are lost; 1 cuts this direction
	duplicate float64       // share of the frames that come twice
	reorder   float64       // share of the frames that overtake those before them
	rate      int           // bits a second; 0: no limit
}

// maxQueued bounds the frames on one direction of a cable; one more is lost.
const maxQueued = 1000

// maxFrame is the largest Ethernet frame on a cable, in bytes: 1,500 of payload, two addresses, a VLAN
// tag and the type.
const maxFrame = 1518

// cable joins two TAP devices in two namespaces by carrying their frames in this process.
type cable struct {
	there, back direction // from the first device to the second, and from the second to the first
	ends        [2]*os.File
	done        chan struct{}
	running     sync.WaitGroup
}

// direction is one of a cable's two.
type direction struct {
	now    atomic.Pointer[conditions]
	bytes  atomic.Uint64 // that came out at the far end
	frames chan flying
	rand   *rand.Rand
	free   time.Time // when the line has sent what it took
	last   time.Time // when the last frame in order is due
}

// flying is a frame on its way.
type flying struct {
	due   time.Time
	frame []byte
}

// newCable lays a cable between a device in one namespace and one in another; it makes both. The test's
// cleanup takes it away.
func newCable(t *testing.T, a *space, aDev string, b *space, bDev string) *cable {
	t.Helper()
	c := &cable{done: make(chan struct{})}
	for i, end := range []struct {
		in  *space
		dev string
	}{{a, aDev}, {b, bDev}} {
		end.in.do(func() (err error) {
			c.ends[i], err = openTAP(end.dev)
			return err
		})
	}
	seed := uint64(spaces.Load())
	for i, d := range []*direction{&c.there, &c.back} {
		d.now.Store(new(conditions))
		d.frames = make(chan flying, maxQueued)
		d.rand = rand.New(rand.NewPCG(seed, uint64(i)))
		in, out := c.ends[i], c.ends[1-i]
		c.running.Go(func() { d.take(in, out) })
		c.running.Go(func() { d.deliver(out, c.done) })
	}
	t.Cleanup(func() {
		close(c.done)
		if err := errors.Join(c.ends[0].Close(), c.ends[1].Close()); err != nil {
			t.Error(err)
		}
		c.running.Wait()
	})
	return c
}

// weather sets the conditions of both directions from now on.
func (c *cable) weather(there, back conditions) {
	c.there.now.Store(&there)
	c.back.now.Store(&back)
}

// take reads frames from a device and decides what becomes of them, until the device is closed.
func (d *direction) take(in, out *os.File) {
	defer close(d.frames)
	buf := make([]byte, maxFrame)
	for {
		n, err := in.Read(buf)
		if err != nil {
			return
		}
		times, overtakes, due := d.fate(n, time.Now())
		frame := append([]byte(nil), buf[:n]...)
		for range times {
			if overtakes {
				d.put(out, frame)
				continue
			}
			select {
			case d.frames <- flying{due, frame}:
			default: // the queue is full: lost
			}
		}
	}
}

// fate decides how many times a frame of size bytes arrives, whether it overtakes those on their way,
// and when it is due otherwise.
func (d *direction) fate(size int, now time.Time) (times int, overtakes bool, due time.Time) {
	c := *d.now.Load()
	if d.rand.Float64() < c.loss {
		return 0, false, time.Time{}
	}
	times = 1
	if d.rand.Float64() < c.duplicate {
		times = 2
	}
	if d.rand.Float64() < c.reorder {
		return times, true, now
	}
	due = now
	if c.rate > 0 {
		if d.free.Before(now) {
			d.free = now
		}
		d.free = d.free.Add(time.Duration(float64(size*8) / float64(c.rate) * float64(time.Second)))
		due = d.free
	}
	due = due.Add(c.delay)
	if c.jitter > 0 {
		due = due.Add(time.Duration((2*d.rand.Float64() - 1) * float64(c.jitter)))
	}
	if due.Before(d.last) {
		due = d.last
	}
	d.last = due
	return times, false, due
}

// deliver writes each frame when it is due, until no more come or the cable is taken away.
func (d *direction) deliver(out *os.File, done <-chan struct{}) {
	for f := range d.frames {
		if wait := time.Until(f.due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-done:
				return
			}
		}
		d.put(out, f.frame)
	}
}

// put writes a frame to a device. An error loses it, as when the device is down.
func (d *direction) put(out *os.File, frame []byte) {
	if _, err := out.Write(frame); err == nil {
		d.bytes.Add(uint64(len(frame)))
	}
}

// tunDevice is where TAP devices are made.
const tunDevice = "/dev/net/tun"

// openTAP makes a TAP device in the namespace of the calling thread. It lasts until the file is closed.
func openTAP(name string) (*os.File, error) {
	fd, err := syscall.Open(tunDevice, syscall.O_RDWR|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", tunDevice, err)
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, fmt.Errorf("make TAP device %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
