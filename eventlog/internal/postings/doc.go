// Package postings is an index in one tree of a file: at which offsets does a text stand?
//
// What is indexed lies at offsets, one thing behind the other, and new ones come at the end. A thing has texts of
// several classes. A text of a class is a [Term], by a hash; that a term stands at an offset is a posting. An [Index]
// is kept in layers: each has the postings of a stretch of offsets, sorted, in blocks of half a page.
//
//	offsets   0                                  4.2 M        4.5 M   4.52 M    4.6 M
//	          ├ level 3 ─────────────────────────┤ level 2 ───┤ 1 ┤ 1 ┤0┤0┤0┤0┤ not indexed
//
// What is new becomes a layer of level 0, or of level 1 where it is much ([Index.Extend]); sixteen layers of a level
// are merged into one of the next ([Index.Tidy]). So no block is ever changed, each posting is written a few times in
// all, and a [Search] looks into few layers. A record names the layers. The transaction that completes the last layer
// puts the record: blocks that the record does not name, left by a merge or a crash, are no part of the index.
//
//	collect    b := x.NewBatch(); b.Add(class, text, offset) …
//	keep       x.Extend(ctx, layers, to, sweep, b); x.Tidy(ctx, layers) for as long as it merges; x.Step does both
//	look       layers, err := Read(tree, incarnation); Search{…}.Find(Terms(…), Terms(…))
//	check      a := x.NewAudit(layer); a.Add(class, text, offset) …; a.End(); x.Compare does that
//
// An index may say too much: two texts may share a term, and what stood at an offset may be gone since. It
// never says too little: a block has a checksum and names the next block, and the record has a checksum
// too. Where something is not as it was written the error wraps [ErrDamaged]: a reader then looks at the
// things themselves, and whoever keeps the index makes it anew ([Index.Drop]).
//
// The package does not know what the things are, when they are to be added, or who else wants the file. No
// transaction is open while it sorts or merges, so that nobody waits for that.
package postings
