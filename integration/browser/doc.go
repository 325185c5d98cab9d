// Package browser has Debian's chromium meet a node: as the pages of programs do, and as people do who look at the node's own page. It
// holds tests only. They write pictures of what they saw into the folder that $QUIPU_SCREENSHOTS names.
//
// It is a module of its own, since what drives a browser is nothing that who uses quipu should have to fetch.
package browser
