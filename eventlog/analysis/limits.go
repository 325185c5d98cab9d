package analysis

import (
	"math"

	"github.com/quipulog/quipu/crdt/sketch"
)

const (
	// DefaultWindow is how many entries are held back to be put in order of time: about 20 MB.
	DefaultWindow = 1 << 16
	// DefaultMaxBytes bounds the memory of the entries that wait for their other half.
	DefaultMaxBytes = 256 << 20
	// MaxKey bounds a key in bytes. An entry with a longer key has none.
	MaxKey = 1 << 10
	// MaxDigits bounds the digits of a number in a payload, and its exponent either way. What is past it is
	// not taken for a number.
	MaxDigits = 64
	// DefaultMaxExact is how many latencies a summary keeps to take exact percentiles from: 8 MB.
	DefaultMaxExact = 1_000_000
	// MaxGroups bounds the groups of a summary. Those that come later are counted together.
	MaxGroups = 1_000
	// MaxSlowest bounds the slowest pairs that a summary keeps.
	MaxSlowest = 10_000
	// MaxNames bounds the kinds, the modules and the authors that a census tells apart.
	MaxNames = 10_000
	// SketchError is the greatest relative error of a percentile that was not taken from all latencies: less than one in a
	// thousand.
	SketchError = sketch.Error
)

// unbounded stands for a distance that is past every [time.Duration].
const unbounded = math.MaxUint64

// markBytes is what a [Mark] that waits takes beside its texts: itself, its links and its part of the
// map of keys.
const markBytes = 400
