// Package httpapi holds a node against the document that it gives of itself: every operation is called and every code is
// provoked, on a running node where that can be, and each answer is validated by what reads such documents for others.
//
// It is a module of its own, since what it needs is nothing that who uses quipu should have to fetch. Below it are the
// judges that are written in other languages, with the lock files of what they need.
package httpapi
