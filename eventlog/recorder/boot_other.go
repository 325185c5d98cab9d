//go:build !linux && !darwin

package recorder

// bootID returns "": what names the run of the kernel is not known here, and after a crash New says at
// most how much was lost.
func bootID() string { return "" }
