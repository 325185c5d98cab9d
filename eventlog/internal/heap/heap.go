// Package heap has a binary heap of values: that of the standard library makes an interface of each.
package heap

// Heap gives back its least item first, by Less.
type Heap[T any] struct {
	Less  func(a, b T) bool
	items []T
}

// Len returns how many items there are.
func (h *Heap[T]) Len() int { return len(h.items) }

// Top returns the least item; there is one.
func (h *Heap[T]) Top() T { return h.items[0] }

// Push puts an item among them.
func (h *Heap[T]) Push(item T) {
	h.items = append(h.items, item)
	for i := len(h.items) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.Less(h.items[i], h.items[up]) {
			return
		}
		h.items[i], h.items[up] = h.items[up], h.items[i]
		i = up
	}
}

// Pop takes out the least item; there is one.
func (h *Heap[T]) Pop() T {
	last := len(h.items) - 1
	least := h.items[0]
	h.items[0] = h.items[last]
	var none T
	h.items[last] = none // what it points to may be large
	h.items = h.items[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return least
		}
		if child+1 < last && h.Less(h.items[child+1], h.items[child]) {
			child++
		}
		if !h.Less(h.items[child], h.items[i]) {
			return least
		}
		h.items[i], h.items[child] = h.items[child], h.items[i]
		i = child
	}
}
