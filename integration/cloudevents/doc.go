// Package cloudevents has the Go SDK of CloudEvents send events to a node and read them back. It holds tests only.
//
// It is a module of its own, since the SDK is nothing that who uses quipu should have to fetch.
package cloudevents
