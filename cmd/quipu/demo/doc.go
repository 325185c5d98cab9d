// Package demo is "quipu demo": a whole cluster at work on one machine, with real processes, real files
// and a real network, that loses a node and writes through it.
//
// The story, told with the real transitions of the Python Enhancement Proposals (pep-transitions.jsonl,
// read off the public history of the proposals; one object a line with time, author, subject, from, to
// and commit):
//
//	        start        write    fault            write       return    check
//	node-1  ──●────────────▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓────── same hash
//	node-2  ──●────────────▓▓▓▓▓▓▓▓ SIGKILL                  ●▓▓▓▓▓▓────── same hash
//	node-3  ──●────────────▓▓▓▓▓▓▓▓ SIGTERM ░ offline ░░░░░░ ●▓▓▓▓▓▓────── same hash
//
// Each node is a child process: this binary, run as "quipu start". Each transition goes to the node
// that its author's number picks, in the order of the input, over that node's socket, and where no
// daemon runs straight into its log. The killed node comes back with all that it acked and perhaps some
// that it had not acked yet; its own feed says where to go on, so that each transition is written once.
//
// The few types: [Config] says what to run; cluster and member are the child processes; move is a line of
// the input; a script is what one node has to write; a note is an entry beside the moves. story.go tells the story, check.go holds its end
// against the input, show.go prints.
//
// With a page the log has entries of other kinds, too, so that there is more than one to look at: notes.go. Each says what
// is so of the input, or of the node that writes it, at the time at which the input is then: the demo lives through its years.
//
// pep.yaml declares the machine of the proposals' statuses. The real moves are held against it at the
// end: a few are illegal or odd otherwise, and each of those has a finding that says why.
//
// [Run] returns an error unless everything holds: one hash, every file verified, exactly the input and the notes on
// every node, one state of every proposal, every move explained.
package demo
