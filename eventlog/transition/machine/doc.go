// Package machine declares which stages a subject can be in and which moves between them are allowed:
// a state machine, as a value.
//
// There are a few types:
//
//   - [Machine] is the declaration: states, moves, where a subject may begin and where it ends.
//   - [State] is a stage with the other spellings that are met for it, [Move] an allowed move.
//   - [Edge] is how often subjects moved from one stage to another; a drawing shows it.
//
// A machine is written down, validated once, and then only read:
//
//	m := machine.Machine{
//		States:   []machine.State{{Name: "draft"}, {Name: "accepted"}, {Name: "withdrawn"}},
//		Moves:    []machine.Move{{From: "draft", To: "accepted"}, {From: machine.Any, To: "withdrawn"}},
//		Initial:  []string{"draft"},
//		Terminal: []string{"accepted", "withdrawn"},
//	}
//	if err := m.Validate(); err != nil { … }
//	m.Judge("draft", "accepted", "") // machine.Allowed
//
// [Any] stands for every state that is not terminal. Nothing is a state that was not declared, and
// nothing is corrected in silence: [Machine.Resolve] says when a name is another spelling of a state.
//
// [Machine.DOT] and [Machine.Mermaid] draw the machine with counts on its edges: solid where a move is
// allowed, dashed and marked where one happened that is not.
//
// The package knows nothing of logs, and reads no files: package transition checks a log against a
// machine, and package machinefile reads one from YAML.
package machine
