// Package monitoring has Debian's prometheus scrape a cluster, with the alerts and the dashboard of docs/monitoring. It holds tests
// only.
//
// It is a module of its own, since it needs a program that who tests quipu may not have, and a minute.
package monitoring
