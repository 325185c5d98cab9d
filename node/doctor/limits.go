package doctor

import (
	"fmt"
	"math"
)

const (
	// fewFiles is how many open files a node needs at least for its links and the file, manyFiles those of one that is asked
	// over HTTP by as many as may.
	fewFiles, manyFiles = 1024, 5000
	// littleMemory is too little for what a node has under way at once.
	littleMemory = 128 << 20
	// unlimited is no limit.
	unlimited = math.MaxUint64
)

// bounds is what the system lets a process have.
type bounds struct {
	files, fileBytes, addresses uint64
	maps, mostMaps              uint64 // of memory; mostMaps is 0 where it is not known
	memory                      uint64 // bytes that are to be had
}

// lookAtLimits says what the system does not let the node have: the daemon, or, where none runs, a process that is started
// from here.
func (c *Chart) lookAtLimits() {
	who := "the daemon"
	pid := c.status.PID
	if !c.status.Running {
		who, pid = "a daemon that is started from here", 0
	}
	b, err := boundsOf(pid)
	if err != nil {
		c.find(Note, "", "cannot be told: %v", err)
		return
	}
	c.judgeBounds(who, b, c.fileBytes())
}

func (c *Chart) judgeBounds(who string, b bounds, file uint64) {
	before := len(c.Findings)
	if b.files < fewFiles || c.config.HTTP != "" && b.files < manyFiles {
		c.find(Warn, "raise it: LimitNOFILE= of systemd, ulimit -n", "%s may have %d open files: each link and each client is one", who, b.files)
	}
	if b.fileBytes != unlimited && b.fileBytes < 2*file+leastFree {
		c.find(Bad, "raise it: LimitFSIZE= of systemd, ulimit -f", "%s may write files of %s, and the log's has %s: it grows no further than that", who, roughly(b.fileBytes), roughly(file))
	}
	if b.addresses != unlimited {
		c.find(Warn, "take it away: LimitAS= of systemd, ulimit -v", "%s may have %s of addresses: the whole file of the log (%s) is mapped, and twice while it grows", who, roughly(b.addresses), roughly(file))
	}
	if b.mostMaps > 0 && b.maps > b.mostMaps/4*3 {
		c.find(Warn, "raise vm.max_map_count", "%s has %d of %d maps of memory", who, b.maps, b.mostMaps)
	}
	if b.memory < littleMemory {
		c.find(Warn, "give it more", "%s of memory are to be had", roughly(b.memory))
	}
	if len(c.Findings) == before {
		files := fmt.Sprint(b.files)
		if b.files == unlimited {
			files = "any number of"
		}
		c.find(OK, "", "%s may have %s open files, and files of any size; %s of memory are to be had", who, files, roughly(b.memory))
	}
}
