package gossiptest

import "runtime"

// HeapAlive returns the bytes of the heap that are reached.
func HeapAlive() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools held until the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
