package gossip_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/quipulog/quipu/integration/scalemodel"
)

var hundred = flag.Bool("hundred", false, "hold the scale model against 100 real nodes too, which takes a minute")

// measured is what real nodes and the model are compared by.
type measured struct {
	ratio        float64 // ops received for each that was new
	busy, idle   float64 // bytes sent by a node in a second
	median, last time.Duration
}

// TestScaleReal holds the model of large clusters against real nodes in small ones. The lines it logs
// stand in docs/SCALE.md.
func TestScaleReal(t *testing.T) {
	for _, nodes := range []int{10, 50, 100} {
		t.Run(fmt.Sprintf("%d nodes", nodes), func(t *testing.T) {
			switch {
			case nodes > 50 && !*hundred:
				t.Skip("takes minutes: run it with -hundred")
			case nodes > 10 && (testing.Short() || os.Getenv("QUIPU_E2E") == "" && !*hundred):
				t.Skip("takes half a minute: run it with -hundred, or QUIPU_E2E=1")
			}
			var real measured
			bubble(t, manyNames(nodes), func(t *testing.T, c *cluster) { real = c.measure(t) })
			r := scalemodel.Run(scalemodel.Config{Nodes: nodes, Seed: 1, Store: 1})
			model := measured{r.Ratio, r.Busy.Sum(), r.Idle.Sum(), r.Reach.Median, r.Reach.Last}
			compareScale(t, nodes, "received for each new", "%.3f", real.ratio, model.ratio)
			compareScale(t, nodes, "bytes a node and second, writing", "%.0f", real.busy, model.busy)
			compareScale(t, nodes, "bytes a node and second, at rest", "%.0f", real.idle, model.idle)
			compareScale(t, nodes, "ms to a node, median", "%.1f", ms(real.median), ms(model.median))
			compareScale(t, nodes, "ms to the last node, slowest op", "%.1f", ms(real.last), ms(model.last))
		})
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// compareScale logs a line of the document and fails if its two numbers are more than a factor of two
// apart.
func compareScale(t *testing.T, nodes int, what, format string, real, model float64) {
	t.Helper()
	t.Logf("| %d | %s | "+format+" | "+format+" |", nodes, what, real, model)
	if real > 2*model || model > 2*real {
		t.Errorf("%d nodes: %s: "+format+" in reality, "+format+" in the model", nodes, what, real, model)
	}
}

// measure runs the cluster through what the model's story begins with.
func (c *cluster) measure(t *testing.T) measured {
	c.start()
	c.within(time.Minute, "everybody knows everybody", func() bool {
		return !slices.ContainsFunc(c.names, func(name string) bool { return len(c.nodes[name].Members()) < len(c.names)-1 })
	})
	for _, name := range c.names {
		c.nodes[name].mem.append(t, 1) // so that all are authors
	}
	time.Sleep(10 * time.Second)
	c.writeSlowly(t, 10*time.Second)

	var m measured
	counts, sent := c.counts(), c.sent()
	m.median, m.last = c.writeSlowly(t, 10*time.Second)
	m.busy = float64(c.sent()-sent) / float64(len(c.names)) / 10
	after := c.counts()
	m.ratio = float64(after.PayloadReceived-counts.PayloadReceived) / float64(after.PayloadTaken-counts.PayloadTaken)

	time.Sleep(3 * time.Second)
	const rest = 90 * time.Second // the tables of 100 nodes are exchanged once in that time
	sent = c.sent()
	time.Sleep(rest)
	m.idle = float64(c.sent()-sent) / float64(len(c.names)) / rest.Seconds()
	return m
}

// sent returns the bytes that all nodes have sent, in packets and streams.
func (c *cluster) sent() (sum uint64) {
	for _, from := range c.names {
		for _, to := range c.names {
			traffic := c.net.Traffic(from, to)
			sum += traffic.PacketBytes + traffic.StreamBytes
		}
	}
	return sum
}

// writeSlowly lets nodes write ten ops a second, one after the other, and returns how long it took from
// the write until a node held the op, and at most until the last did.
func (c *cluster) writeSlowly(t *testing.T, d time.Duration) (median, last time.Duration) {
	const pause, step = 100 * time.Millisecond, 500 * time.Microsecond
	r := rand.New(rand.NewPCG(1, 1))
	var took []time.Duration
	for range d / pause {
		writer, began := c.nodes[c.names[r.IntN(len(c.names))]], time.Now()
		author, head := writer.mem.Author(), writer.mem.appendBig(t, 220).Next()
		waiting := slices.Clone(c.names)
		for len(waiting) > 0 && time.Since(began) < 5*time.Second {
			waiting = slices.DeleteFunc(waiting, func(name string) bool {
				held := c.nodes[name].mem.Feed(author).Next() >= head
				if held && c.nodes[name] != writer {
					took = append(took, time.Since(began))
				}
				return held
			})
			time.Sleep(step)
		}
		if len(waiting) > 0 {
			t.Fatalf("an op has not reached %v", waiting)
		}
		time.Sleep(max(0, pause-time.Since(began)))
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)-1]
}
