package eventlog

// heap is a binary heap that gives back its least item first, by less.
type heap[T any] struct {
	less  func(a, b T) bool
	items []T
}

func (h *heap[T]) len() int { return len(h.items) }

// top returns the least item; there is one.
func (h *heap[T]) top() T { return h.items[0] }

func (h *heap[T]) push(item T) {
	h.items = append(h.items, item)
	for i := len(h.items) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(h.items[i], h.items[up]) {
			return
		}
		h.items[i], h.items[up] = h.items[up], h.items[i]
		i = up
	}
}

// pop takes out the least item; there is one.
func (h *heap[T]) pop() T {
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
		if child+1 < last && h.less(h.items[child+1], h.items[child]) {
			child++
		}
		if !h.less(h.items[child], h.items[i]) {
			return least
		}
		h.items[i], h.items[child] = h.items[child], h.items[i]
		i = child
	}
}
