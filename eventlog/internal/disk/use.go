package disk

// Use is what a file takes up.
type Use struct {
	PageSize int64 // in bytes
	Pages    int64 // up to the last that is in use or was
	Free     int64 // of these, in no use
	Pending  int64 // of these, in use only by transactions that read, or that just did
	Freelist int64 // bytes that the list of those takes
	Reading  int64 // transactions that read and are open
}

// Use returns what the file takes up, as of the last transaction that began. It begins none, reads nothing of the file, and
// waits for nobody: while the file is exchanged it says what it said last.
func (f *File) Use() Use {
	if f.onlooks || !f.swapping.TryRLock() {
		return f.said()
	}
	defer f.swapping.RUnlock()
	s, size := f.db.Stats(), int64(f.pageSize)
	f.use.Store(&Use{
		PageSize: size, Pages: f.end.Load() / size, Free: int64(s.FreePageN), Pending: int64(s.PendingPageN),
		Freelist: int64(s.FreelistInuse), Reading: int64(s.OpenTxN),
	})
	return f.said()
}

// said returns what Use said last.
func (f *File) said() Use {
	if u := f.use.Load(); u != nil {
		return *u
	}
	return Use{}
}
