// Package typed reads and writes the events of a log as values of Go types.
//
// There are a few types:
//
//   - [Declaration] says what the events of a Go type are: kind, module, retention, subject, time, the
//     version of the payload, and how payloads of older versions become that one.
//   - [Type] is a declaration that was checked. It appends values, and reads and decodes entries.
//   - [Entry] is an entry of the log with the value that its payload says.
//   - [Codec] turns values into payloads and back; [JSON] is the one that is used unless told otherwise.
//   - [Upgrade] turns a payload of one version into one of the next.
//   - [Set] decodes entries of several types, and a [Router] hands each to the function for its type.
//
// # A walk
//
// A type is defined once, most often in a variable of the package that owns it:
//
//	type OrderPaid struct {
//		Order string `json:"order"`
//		Cents int64  `json:"cents"`
//	}
//
//	var Paid = typed.MustDefine(typed.Declaration[OrderPaid]{
//		Kind: "order.paid", Module: "shop",
//		Subject: func(p OrderPaid) string { return p.Order },
//	})
//
// From then on
//
//	place, err := Paid.Append(ctx, log, OrderPaid{Order: "o-17", Cents: 1250})
//	place, err := Paid.AppendTx(tx, OrderPaid{…}) // inside an Update or a follower
//	for e, err := range Paid.Read(ctx, log, eventlog.Query{Subjects: []string{"o-17"}}) {
//		total += e.Value.Cents
//	}
//
// A definition is a value like any other: nothing is registered, and one Go type may have two, for two
// kinds. A module has instances where a program runs more than once: Paid.In("7") appends and reads
// those of module "shop/7", and Paid reads those of all instances.
//
// # What decoding promises
//
// Kind and module are checked, a [*MismatchError] names what is not as expected. A payload that cannot
// be read is a [*DecodeError] with the place of the entry, never a zero value; one of a version that
// this program does not know is a [*VersionError]. All three leave the entry as it is, to be read raw:
// [Entry.Entry] is set beside the error, and a reading goes on after it if its loop does.
//
// # Versions
//
// The version of a payload stands in the header [VersionHeader]; an event without it is of version 1.
// A field that readers may do without needs no new version: fields of a payload that a Go type does not
// have are left alone, see [JSON], and fields that a payload does not have stay zero. Everything else
// is a new version, with an upgrade from the one before. That a chain of upgrades has no gap is checked
// where the type is defined. Whoever writes a newer version than others can read must expect that they
// stop there: upgrade the readers first.
//
// # What it does not do
//
// It changes nothing in the log: entries of kinds that no type stands for are kept and forwarded like
// all others. It does not rewrite old payloads, and does not compare the subject or the time of an entry
// with what its value says.
package typed
