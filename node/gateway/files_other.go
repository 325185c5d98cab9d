//go:build !unix

package gateway

// openFiles returns more than there are connections: nothing else bounds what a process opens here.
func openFiles() uint64 { return maxConns + keptFiles }
