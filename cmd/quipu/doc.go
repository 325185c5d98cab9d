// Quipu is the daemon and the command-line tool of a replicated event log, in one binary.
//
//	quipu init --dir a                  makes a node: a key, an empty log, a configuration
//	quipu start --dir a                 runs its daemon, which replicates with other nodes
//	quipu append --dir a --kind note    writes an entry, durable when its place is printed
//	quipu log --dir a                   prints the log, the same on every node
//
// "quipu help" lists the commands, "quipu help COMMAND" explains one, and "quipu help exit-codes" says
// what the exit codes mean. Commands reach a running daemon over the socket in its folder; where none
// runs they open the log themselves and behave the same.
//
// One file holds one command: its flags, what it calls, what it prints. They share root.go (the tree of
// commands), exit.go (errors and exit codes), filters.go (the flags that say which entries), places.go
// (lines in, places out), waitfor.go (whom a command that writes waits for), age.go (the flags that take ages, counts
// and sizes), gone.go (what is said of entries that are gone), table.go, layout.go, cell.go and facts.go (what fits a
// terminal), and format.go and screen.go (what a terminal is shown of what strangers wrote). Package demo, beside, is
// "quipu demo".
package main
