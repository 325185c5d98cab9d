package eventlog

import (
	"fmt"

	"github.com/quipulog/quipu/crdt"
)

// maxProblems bounds the problems that a report lists; the rest is counted.
const maxProblems = 1000

// Report is what [Log.Verify] found.
type Report struct {
	Authors, Ops, Entries uint64
	Pages                 uint64 // of the file
	// Postings counts what the index has, and Stale those of them that lead to an op that is gone, or to
	// one whose body is. They do no harm.
	Postings, Stale uint64
	// Offences counts ops whose own signature does not verify although a later op of their author
	// vouches for them. They are their author's offence, not damage.
	Offences uint64
	// Problems lists what is wrong with the file, up to 1,000; More counts the others.
	Problems []Problem
	More     uint64
}

// OK reports whether nothing is wrong with the file.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// String returns the report in a line.
func (r *Report) String() string {
	s := fmt.Sprintf("%d authors, %d ops, %d entries, %d pages", r.Authors, r.Ops, r.Entries, r.Pages)
	if r.Offences > 0 {
		s += fmt.Sprintf(", %d ops with a bad signature that their author vouches for", r.Offences)
	}
	if r.OK() {
		return s + ": no problems"
	}
	return s + fmt.Sprintf(": %d problems", uint64(len(r.Problems))+r.More)
}

// Problem is one thing that is wrong with the file.
type Problem struct {
	Author crdt.Author // whose feed it concerns; zero when it concerns none
	Err    error
}

// String returns the problem in a line.
func (p Problem) String() string {
	if p.Author.IsZero() {
		return p.Err.Error()
	}
	return fmt.Sprintf("feed %s: %v", p.Author, p.Err)
}

func (r *Report) problem(a crdt.Author, err error) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, Problem{Author: a, Err: err})
}
