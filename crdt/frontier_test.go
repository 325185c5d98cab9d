package crdt

import (
	"slices"
	"testing"
)

func TestFrontier(t *testing.T) {
	a, b, c := Author{1}, Author{2}, Author{3}
	f := Frontier{c: {{5, OpID{1}}}, a: {{2, OpID{2}}}, b: {{1, OpID{3}}, {4, OpID{4}}}}
	var order []Author
	for author, heads := range f.All() {
		order = append(order, author)
		if !slices.Equal(heads, f[author]) {
			t.Errorf("heads of %s: %v", author.Short(), heads)
		}
	}
	if !slices.Equal(order, []Author{a, b, c}) {
		t.Errorf("authors come as %v", order)
	}
	for author := range f.All() {
		if author != a {
			t.Errorf("%s comes after the loop was left", author.Short())
		}
		break
	}
	if got := f.Entries(); got != 12 {
		t.Errorf("%d entries, want 12", got)
	}

	clone := f.Clone()
	if !clone.Equal(f) || clone.Hash() != f.Hash() {
		t.Error("a clone is not equal")
	}
	clone[b][0].ID = OpID{9}
	if clone.Equal(f) || clone.Hash() == f.Hash() || f[b][0].ID != (OpID{3}) {
		t.Error("a clone shares heads, or one of equal height counts as equal")
	}

	without := f.Without([]Author{b, {7}})
	if !without.Equal(Frontier{a: f[a], c: f[c]}) || len(f) != 3 {
		t.Errorf("without b: %v", without)
	}
}

func TestFrontierHash(t *testing.T) {
	a, b := Author{1}, Author{2}
	one, two := Head{1, OpID{1}}, Head{2, OpID{2}}
	seen := make(map[Hash]int)
	for i, f := range []Frontier{
		nil, {a: {one}}, {b: {one}}, {a: {two}}, {a: {one, two}}, {a: {one}, b: {one}}, {a: {one}, b: {two}}, {a: {two}, b: {one}},
	} {
		if j, same := seen[f.Hash()]; same {
			t.Errorf("frontiers %d and %d have one hash", i, j)
		}
		seen[f.Hash()] = i
	}
	if !(Frontier{}).Hash().IsZero() {
		t.Error("the empty frontier's hash is not zero")
	}
}
