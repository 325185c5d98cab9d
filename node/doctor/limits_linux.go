package doctor

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// boundsOf returns the bounds of a process, of this one for 0.
func boundsOf(pid int) (bounds, error) {
	proc := "/proc/self/"
	if pid != 0 {
		proc = fmt.Sprintf("/proc/%d/", pid)
	}
	text, err := os.ReadFile(proc + "limits")
	if err != nil {
		return bounds{}, err
	}
	b := bounds{files: unlimited, fileBytes: unlimited, addresses: unlimited, memory: unlimited}
	for name, to := range map[string]*uint64{"Max open files": &b.files, "Max file size": &b.fileBytes, "Max address space": &b.addresses} {
		for line := range strings.Lines(string(text)) {
			if rest, found := strings.CutPrefix(line, name); found {
				*to = numberIn(rest)
			}
		}
	}
	if maps, err := os.ReadFile(proc + "maps"); err == nil {
		b.maps = uint64(bytes.Count(maps, []byte("\n")))
		b.mostMaps = numberAt("/proc/sys/vm/max_map_count", 0)
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if _, rest, found := strings.Cut(string(text), "MemAvailable:"); found {
			b.memory = numberIn(rest) << 10
		}
	}
	b.memory = min(b.memory, groupMemory(proc))
	return b, nil
}

// groupMemory returns how much memory the process's control group has left, unlimited where nothing bounds it.
func groupMemory(proc string) uint64 {
	text, err := os.ReadFile(proc + "cgroup")
	if err != nil {
		return unlimited
	}
	_, path, found := strings.Cut(string(text), "0::")
	if !found {
		return unlimited
	}
	path, _, _ = strings.Cut(path, "\n")
	most := numberAt("/sys/fs/cgroup"+path+"/memory.max", unlimited)
	used := numberAt("/sys/fs/cgroup"+path+"/memory.current", 0)
	if most == unlimited {
		return unlimited
	}
	return most - min(used, most)
}

// numberAt returns the number that a file holds, none where there is none.
func numberAt(path string, none uint64) uint64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return none
	}
	return numberIn(string(text))
}

// numberIn returns the first number of a line; unlimited where it is a word.
func numberIn(line string) uint64 {
	words := strings.Fields(line)
	if len(words) == 0 {
		return unlimited
	}
	n, err := strconv.ParseUint(words[0], 10, 64)
	if err != nil {
		return unlimited
	}
	return n
}
