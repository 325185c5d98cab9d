package analysis

// node is a mark that waits, in two chains at once: that of all which wait for the same, and that of
// its key.
type node struct {
	*Mark
	pairs uint64 // ends that have taken it
	links [2]struct{ before, after *node }
}

// The two chains that a node is in.
const (
	ofAll = iota
	ofKey
)

// chain is a list of nodes in the order in which they came, linked through the nodes themselves, so that one from the
// middle leaves at no cost.
type chain struct {
	first, last *node
	which       int // ofAll or ofKey
	len         int
}

func (c *chain) push(n *node) {
	link := &n.links[c.which]
	link.before, link.after = c.last, nil
	if c.last != nil {
		c.last.links[c.which].after = n
	} else {
		c.first = n
	}
	c.last = n
	c.len++
}

func (c *chain) remove(n *node) {
	link := &n.links[c.which]
	if link.before != nil {
		link.before.links[c.which].after = link.after
	} else {
		c.first = link.after
	}
	if link.after != nil {
		link.after.links[c.which].before = link.before
	} else {
		c.last = link.before
	}
	link.before, link.after = nil, nil
	c.len--
}
