package gossip_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/quipulog/quipu/eventlog"
	"github.com/quipulog/quipu/eventlog/eventlogtest"
)

// The story of a cluster with its logs on disk: a partition in which both sides write, a crash in
// which one node's daemon is gone and its log is written to, a restart with the log opened again.
func TestLogsOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, []string{"a", "b", "c"})
		logs := make(map[string]*eventlog.Log)
		dir := t.TempDir()
		for i, name := range c.names {
			logs[name] = eventlogtest.Create(t, dir+"/"+name, eventlog.Config{Key: testKey(i)})
			c.nodes[name].log, c.nodes[name].mem = logs[name], nil
		}
		t.Cleanup(c.close)
		write := func(name string, n int) {
			t.Helper()
			if _, err := logs[name].AppendBatch(t.Context(), batch(n)); err != nil {
				t.Fatal(err)
			}
		}
		holds := func(n uint64, names ...string) {
			t.Helper()
			c.within(time.Minute, "converge", func() bool {
				return c.equal(names...) && logs[names[0]].Frontier().Entries() == n
			})
		}
		write("a", 3000)
		c.start()
		holds(3000, c.names...)
		c.within(time.Minute, "linked", func() bool { return c.linked(c.names...) })

		c.net.Partition([]string{"a"}, []string{"b", "c"})
		write("a", 500)
		write("b", 500)
		holds(3500, "b", "c")
		c.net.Heal()
		holds(4000, c.names...)

		c.crash("c")
		if err := logs["c"].Close(); err != nil {
			t.Fatal(err)
		}
		write("a", 100)
		logs["c"] = eventlogtest.Reopen(t, dir+"/c", eventlog.Config{Key: testKey(2)})
		c.nodes["c"].log = logs["c"]
		write("c", 100)
		c.start("c")
		holds(4200, c.names...)
		c.stop(c.names...)
	})
}
