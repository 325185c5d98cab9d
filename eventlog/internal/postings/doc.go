// Package postings is an index, in one tree of a file: at which offsets does a text stand?
//
// What is indexed stands at offsets, one after the other, which are added to at the end and never change. Each may
// have texts of several classes. A text and its class are a [Term], by a hash; that a term stands at an offset is a
// posting. An [Index] is kept in layers, each the postings of a stretch of offsets, sorted, in blocks of half a page:
//
//	offsets   0                                  4.2 M        4.5 M   4.52 M    4.6 M
//	          ├ level 3 ─────────────────────────┤ level 2 ───┤ 1 ┤ 1 ┤0┤0┤0┤0┤ not indexed
//
// What is new becomes a layer of level 0 ([Index.Extend]); sixteen of a level are merged into one of the next
// ([Index.Tidy]). So nothing is ever changed in place, an offset is written a few times in all, and a [Search] looks
// into few layers. A record names the layers, and is put in the transaction that completes the last of them: blocks
// that it does not name, which a merge or a crash has left, are no part of the index, and are removed at leisure.
//
//	collect    b := x.NewBatch(); b.Add(class, text, offset) …      for less than MaxBatch offsets
//	keep       x.Extend(ctx, layers, to, sweep, b), and x.Tidy(ctx, layers) while it merges
//	look       layers, err := Read(tree, incarnation); Search{…}.Find(Terms(…), Terms(…))
//	check      a := x.NewAudit(layer); a.Add(class, text, offset) …; a.End()
//
// An index may say too much: two texts that share a term, and what is gone from an offset since. It never says too
// little: each block has a checksum and says which one comes next, and so has the record. Whatever is not as it was
// written is [ErrDamaged], for whoever reads to go another way and for whoever writes to make the index anew
// ([Index.Drop]).
//
// The package holds no transaction but while a function that it was given runs one, so a long merge keeps nobody
// waiting. It does not know what stands at an offset, when to add, or who else wants the file.
package postings
