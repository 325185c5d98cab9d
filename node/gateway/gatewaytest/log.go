package gatewaytest

import (
	"strings"
	"sync"
)

// Log keeps what is written to it, by whatever goroutines. The zero value holds nothing.
type Log struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
