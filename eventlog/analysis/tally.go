package analysis

// tally is a group at work.
type tally struct {
	group     Group
	latencies latencies
	number    decimal
}

func newTally(name string, room *int) *tally {
	return &tally{group: Group{Name: name}, latencies: latencies{room: room}}
}

func (t *tally) add(o *Outcome) {
	g := &t.group
	if o.Start.Repeated && (o.Verdict == StartAlone || o.Verdict == Paired && o.Nth == 1) {
		g.RepeatedStarts++
	}
	switch o.Verdict {
	case Paired:
		t.addPair(o)
	case StartAlone:
		g.StartsAlone++
	case EndAlone, Overlooked:
		g.EndsAlone++
		switch {
		case o.Verdict == Overlooked:
			g.Overlooked++
		case o.End.Repeated:
			g.RepeatedEnds++
		case !o.Start.IsZero():
			g.EndsBeforeStart++
		}
	case Late:
		g.Late++
	case Keyless:
		g.Keyless++
	case Displaced:
		g.Displaced++
	}
}

func (t *tally) addPair(o *Outcome) {
	g := &t.group
	g.Pairs++
	if o.Nth == 1 {
		g.PairedStarts++
	}
	t.latencies.add(o.Latency)
	switch o.End.Success {
	case Succeeded:
		g.Succeeded++
	case Failed:
		g.Failed++
	case Undecided:
		g.Undecided++
	}
	if n, ok := parseDecimal(o.Number()); ok {
		g.Number.Count++
		t.number.add(&n)
	} else {
		g.Number.Missing++
	}
}

// sum returns the group's figures.
func (t *tally) sum() Group {
	g := t.group
	g.Latency = t.latencies.latency()
	g.Number.Sum = t.number.String()
	if g.Number.Count > 0 {
		g.Number.Average = t.number.over(g.Number.Count)
	}
	return g
}
