package eventlog

import "sync"

// names are what one part of a program at a time has on a log.
type names struct {
	mu   sync.Mutex // guards stop; not held while one of its functions runs
	stop map[string]*func()
}

// TakeOver gives the caller a name, which one part of a program at a time has on this log, and stops who
// had it: when TakeOver returns, the stop of that one has returned. release gives the name up, unless it
// was taken over meanwhile.
func (l *Log) TakeOver(name string, stop func()) (release func()) {
	n := &l.names
	n.mu.Lock()
	if n.stop == nil {
		n.stop = make(map[string]*func())
	}
	before := n.stop[name]
	n.stop[name] = &stop
	n.mu.Unlock()
	if before != nil {
		(*before)()
	}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.stop[name] == &stop {
			delete(n.stop, name)
		}
	}
}
