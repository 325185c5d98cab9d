package api

import (
	"github.com/quipulog/quipu/crdt"
	"github.com/quipulog/quipu/eventlog/transition/machine"
	"github.com/quipulog/quipu/node/age"
)

// Moment bounds which transitions count. The zero Moment is what the node holds now.
type Moment struct {
	// Clock takes what was written up to this time, by the clocks of the ops.
	Clock age.Time `json:"clock,omitzero"`
	// Event takes what happened up to this time, by the event times, which are the writers' word.
	Event age.Time `json:"event,omitzero"`
	// Frontier takes exactly the entries that it stands for. The node refuses one of which it does not
	// hold every head, with [NotFound].
	Frontier *Frontier `json:"frontier,omitempty"`
}

// StateQuery says what to tell of which subjects.
type StateQuery struct {
	// Subjects are taken alone; empty takes all.
	Subjects []string `json:"subjects,omitempty"`
	At       Moment   `json:"at,omitzero"` // the moment up to which transitions count
}

// MaxCheckRequest bounds a [StateQuery] or a [CheckRequest] in JSON, in bytes: its frontier is what is
// large.
const MaxCheckRequest = 64 << 20

// CheckRequest asks to hold transitions against a machine.
type CheckRequest struct {
	Machine machine.Machine `json:"machine,omitzero"` // the machine that they are held against
	// MachineFile is the machine in the place of that, in YAML, as the file of quipu transitions --machine has it.
	MachineFile string   `json:"machineFile,omitempty"`
	Subjects    []string `json:"subjects,omitempty"` // of these subjects alone; empty takes all
	At          Moment   `json:"at,omitzero"`        // the moment up to which transitions count
	// MaxFindings is how many findings are listed, at most 100,000. Default: 10,000.
	MaxFindings int `json:"maxFindings,omitempty"`
}

// Finding is one thing that is odd about a transition.
type Finding struct {
	Class string `json:"class"` // the kind of what is odd, in a word
	// Why says what is odd, Expected what was expected instead.
	Why      string `json:"why"`
	Expected string `json:"expected,omitempty"`
	// Others are the transitions that it is concurrent with.
	Others []crdt.Place `json:"others,omitempty"`
	// Transition is the one that is odd.
	Transition Transition `json:"transition"`
}

// CheckReport is what a check found.
type CheckReport struct {
	// Machine is what the transitions were held against, where it was given as a file.
	Machine *machine.Machine `json:"machine,omitempty"`
	// Frontier is the hash of the frontier that was checked.
	Frontier crdt.Hash `json:"frontier"`
	Subjects uint64    `json:"subjects"` // how many subjects have transitions
	// Transitions are Sound, or Odd: with a finding.
	Transitions uint64 `json:"transitions"`
	Sound       uint64 `json:"sound"`
	Odd         uint64 `json:"odd"`
	// Counts are how many findings there are of each class that has any.
	Counts map[string]uint64 `json:"counts"`
	// Findings are the first of them by subject, place in its history and class; More counts the rest.
	Findings []Finding `json:"findings"`
	More     uint64    `json:"more,omitempty"`
	// Contested are the subjects of which it cannot be said where they are.
	Contested []State `json:"contested,omitempty"`
	// Edges say how often each move happened. Respelt counts moves from one spelling of a state to another,
	// which are on no edge, MoreMoves those of edges that are left out.
	Edges     []machine.Edge `json:"edges"`
	Respelt   uint64         `json:"respelt,omitempty"`
	MoreMoves uint64         `json:"moreMoves,omitempty"`
	// Aliased counts the transitions that name a state by an alias of the machine's.
	Aliased uint64 `json:"aliased,omitempty"`
	// Pruned counts those that come after one that was pruned: where their subjects were before is their
	// writers' word.
	Pruned uint64 `json:"pruned,omitempty"`
}
