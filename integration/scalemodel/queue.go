package scalemodel

import "time"

// event is something that happens to a node at a time.
type event struct {
	at    time.Duration // since the beginning
	order uint64        // of two at one time, the one planned first comes first
	do    func()
}

// queue holds what is to happen, a heap with the next at the top.
type queue struct {
	heap    []event
	planned uint64
}

func (q *queue) before(i, j int) bool {
	a, b := &q.heap[i], &q.heap[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// push plans do.
func (q *queue) push(at time.Duration, do func()) {
	q.planned++
	q.heap = append(q.heap, event{at, q.planned, do})
	for i := len(q.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.before(i, up) {
			return
		}
		q.heap[i], q.heap[up] = q.heap[up], q.heap[i]
		i = up
	}
}

// pop returns the next event if it comes at or before end.
func (q *queue) pop(end time.Duration) (event, bool) {
	if len(q.heap) == 0 || q.heap[0].at > end {
		return event{}, false
	}
	top, last := q.heap[0], len(q.heap)-1
	q.heap[0] = q.heap[last]
	q.heap[last] = event{}
	q.heap = q.heap[:last]
	q.sink()
	return top, true
}

func (q *queue) sink() {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(q.heap); child++ {
			if q.before(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}
