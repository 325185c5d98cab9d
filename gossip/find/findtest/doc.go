// Package findtest runs tests that multicast, or cut what they are linked by, in a network of their own, so
// that what they do reaches nobody, and so that they do not depend on the networks that the machine happens
// to have.
//
//	go test ─ TestX ─ Alone: false ┄ starts itself again in a new network namespace, and waits
//	                    └─▶ TestX ─ Alone: true ─ the test itself
//
// A test calls [Alone] first, with what its network is to look like, and goes on only if it returns true.
// Where no network can be made the test is skipped, or fails if the environment variable QUIPU_E2E is
// set.
package findtest
