package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// drawing is a set of arrows with what each consists of.
type drawing map[arrow][]use

// nodes returns what the arrows join, sorted.
func (d drawing) nodes() []string {
	seen := map[string]bool{}
	for a := range d {
		seen[a.from], seen[a.to] = true, true
	}
	return slices.Sorted(maps.Keys(seen))
}

// from returns where the arrows from a node lead, sorted.
func (d drawing) from(node string) (to []string) {
	for a := range d {
		if a.from == node {
			to = append(to, a.to)
		}
	}
	slices.Sort(to)
	return to
}

// path returns the shortest way along the arrows from one node to another, at least one arrow; nil for none.
func (d drawing) path(from, to string) []arrow {
	before := map[string]arrow{}
	for next := []string{from}; len(next) > 0; next = next[1:] {
		for _, node := range d.from(next[0]) {
			if _, seen := before[node]; seen {
				continue
			}
			if before[node] = (arrow{next[0], node}); node != to {
				next = append(next, node)
				continue
			}
			way := []arrow{before[to]}
			for way[0].from != from {
				way = slices.Insert(way, 0, before[way[0].from])
			}
			return way
		}
	}
	return nil
}

// circle returns a shortest circle of arrows; nil when there is none.
func (d drawing) circle() (shortest []arrow) {
	for _, node := range d.nodes() {
		if way := d.path(node, node); way != nil && (shortest == nil || len(way) < len(shortest)) {
			shortest = way
		}
	}
	return shortest
}

// names returns the names that an arrow consists of, each with its first use.
func (d drawing) names(a arrow) (first []use) {
	for _, u := range d[a] {
		if !slices.ContainsFunc(first, func(f use) bool { return f.name == u.name }) {
			first = append(first, u)
		}
	}
	return first
}

// show returns the arrows of a circle with the names that each consists of, all of them only for the weakest.
func (d drawing) show(circle []arrow) string {
	const few = 4
	var b strings.Builder
	for _, a := range circle {
		names := d.names(a)
		fmt.Fprintf(&b, "    %s, names: %d\n", a, len(names))
		most := few
		if a == d.weakest(circle) {
			most = len(names)
		}
		for _, u := range names[:min(most, len(names))] {
			fmt.Fprintf(&b, "        %s\n", u)
		}
		if most < len(names) {
			fmt.Fprintf(&b, "        …\n")
		}
	}
	return b.String()
}

// weakest returns which of some arrows consists of the fewest names.
func (d drawing) weakest(as []arrow) arrow {
	return slices.MinFunc(as, func(a, b arrow) int { return len(d.names(a)) - len(d.names(b)) })
}

// layers returns the nodes of a drawing without circles from the bottom up: each stands just above the highest
// that it has an arrow to.
func (d drawing) layers() (layers [][]string) {
	height := map[string]int{}
	var climb func(node string) int
	climb = func(node string) int {
		if h, known := height[node]; known {
			return h
		}
		h := 0
		for _, below := range d.from(node) {
			h = max(h, climb(below)+1)
		}
		height[node] = h
		return h
	}
	for _, node := range d.nodes() {
		h := climb(node)
		for len(layers) <= h {
			layers = append(layers, nil)
		}
		layers[h] = append(layers[h], node)
	}
	return layers
}

// String draws the layers from the top down. An arrow is left out where others lead the same way.
func (d drawing) String() string {
	var b strings.Builder
	for h, layer := range slices.Backward(d.layers()) {
		for i, node := range layer {
			if i == 0 {
				fmt.Fprintf(&b, "%3d  ", h)
			} else {
				b.WriteString("     ")
			}
			below := slices.DeleteFunc(d.from(node), func(to string) bool {
				return slices.ContainsFunc(d.from(node), func(by string) bool { return by != to && d.path(by, to) != nil })
			})
			fmt.Fprintf(&b, "%-12s%s\n", node, strings.Join(below, ", "))
		}
	}
	return b.String()
}

func TestDrawing(t *testing.T) {
	for _, c := range []struct{ arrows, circle, layers string }{
		{"", "", ""},
		{"a>b b>c a>c", "", "c | b | a"},
		{"a>b b>a", "a → b, b → a", ""},
		{"a>b b>c c>d d>b d>e", "b → c, c → d, d → b", ""},
		{"a>b b>c c>a c>d d>c", "c → d, d → c", ""}, // the shorter one
		{"a>c b>c c>d b>e", "", "d e | c | a b"},
	} {
		d := drawing{}
		for a := range strings.FieldsSeq(c.arrows) {
			from, to, _ := strings.Cut(a, ">")
			d[arrow{from, to}] = []use{{name: "x"}}
		}
		var circle, layers []string
		for _, a := range d.circle() {
			circle = append(circle, a.String())
		}
		if len(circle) == 0 {
			for _, layer := range d.layers() {
				layers = append(layers, strings.Join(layer, " "))
			}
		}
		if diff := cmp.Diff([]string{c.circle, c.layers}, []string{strings.Join(circle, ", "), strings.Join(layers, " | ")}); diff != "" {
			t.Errorf("%s: %s", c.arrows, diff)
		}
	}
}
