package integration

import (
	"fmt"
	"strings"
)

// heal has everybody run and reachable, and waits until all hold the same and append, but for those whose feed has
// forked.
func (s *story) heal() {
	s.tell("all is well again")
	for _, a := range s.nodes {
		if a.frozen {
			s.thaw(a)
		}
	}
	for _, a := range s.nodes {
		if a.daemon == nil {
			s.start(a)
		}
	}
	for _, a := range s.nodes {
		eventually(s.t, "end of what keeps "+a.name+" from appending", func() bool {
			st := a.status()
			if st.forked() && s.excused[st.Author] != "" {
				return true
			}
			return st.Reason == "" && st.Recovering == nil
		}, func() string { return a.on("status") + s.logs() })
	}
	converged(s.t, s.members())
	for _, a := range s.nodes {
		if !a.status().forked() {
			s.append(a, 1)
		}
	}
	converged(s.t, s.members())
}

// logs returns what the daemons have logged.
func (s *story) logs() string {
	var b strings.Builder
	for _, a := range s.nodes {
		fmt.Fprintf(&b, "%s %s\n%s\n", a.name, a.author, a.stderr)
	}
	return b.String()
}

// check looks at what is there in the end.
func (s *story) check() {
	for _, a := range s.nodes {
		s.see(a, a.entries())
	}
	all := sameLogsThatVerify(s.t, s.members())
	at := make(map[string]string, len(all)) // subject → place
	for _, e := range all {
		if e.Subject == "" {
			continue
		}
		if was, twice := at[e.Subject]; twice {
			s.t.Errorf("%s stands at %s and at %s", e.Subject, was, e.place())
		}
		at[e.Subject] = e.place()
	}
	for subject, place := range s.acked {
		if at[subject] != place {
			s.t.Errorf("%s was acked at %s, and stands at %q", subject, place, at[subject])
		}
	}
	if s.t.Failed() {
		s.t.Log(s.logs())
	}
}
