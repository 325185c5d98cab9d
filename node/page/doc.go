// Package page is the page of a node: what a browser gets at / of the port for HTTP.
//
// The sources of the page are the TypeScript beside this file, and dist is what Vite makes of them, which is embedded in
// the program. [Handler] answers with its files, and passes on all else: they are the same on every node, hold nothing of
// any, and need no token. What the page shows it asks of the routes below /v1, with the token of a session that
// package access makes of a sign-in code.
//
// A policy goes with each file by which a browser runs the page's own scripts alone, and lets the page ask no other node.
package page
