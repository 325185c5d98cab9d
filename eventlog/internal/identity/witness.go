package identity

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quipulog/quipu/eventlog/internal/sys"
	"github.com/quipulog/quipu/eventlog/whole"
)

// Witness is a small file beside another that grows by numbered transactions. It says which transaction that file, by
// inode and birth time, was seen to hold on disk; and which inode it is itself:
//
//	file 12 1767323045000000006 held 4711 by 13 1767323046000000006 sum 5d41402a
//
// So it tells of a copy that was written into the file in place, which leaves the file's inode and birth time as they
// were: a file that holds less than it held is an older one. And where the witness was restored along with the file, by
// what writes into both, it is not the file that it says.
//
// A witness that is lost, spoilt, or speaks of another file says nothing. It may say less than is true, which
// happens when a program is killed, and never more: see [Witness.Write].
type Witness struct{ path string }

// WitnessOf returns the witness of the file at path: path with ".seen" behind it.
func WitnessOf(path string) Witness { return Witness{path + ".seen"} }

const (
	testimonyForm = "file %d %d held %d by %d %d"
	sumForm       = "%s sum %08x\n"
	maxTestimony  = 256 // bytes of a witness; five numbers of at most 20 digits need fewer
)

// testimony is what a witness says.
type testimony struct {
	file Identity // inode and birth time
	held uint64
	by   Identity // inode and birth time of the witness
}

func (s testimony) String() string {
	text := fmt.Sprintf(testimonyForm, s.file.Inode, s.file.Birth, s.held, s.by.Inode, s.by.Birth)
	return fmt.Sprintf(sumForm, text, crc32.Checksum([]byte(text), castagnoli))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Older says in words how a file that holds transaction held is older than it was; "" where it is not, or the
// witness says nothing.
func (w Witness) Older(file Identity, held uint64) string {
	said, is, err := w.read()
	if err != nil {
		return ""
	}
	return w.older(said, is, file, held)
}

// older is Older of a witness that says that, and is that.
func (w Witness) older(said testimony, is, file Identity, held uint64) string {
	switch {
	case !file.isFile(said.file):
	case held < said.held:
		return fmt.Sprintf("it holds transaction %d, and held %d", held, said.held)
	case !keeps[is.FS]:
	// A file's birth is never later than it was. It may be earlier: Windows gives a new file that of one that just had
	// its name.
	case differ(said.by.Inode, is.Inode) || differ(said.by.Birth, is.Birth) && is.Birth > said.by.Birth:
		return fmt.Sprintf("%s beside it was written into, too: inode %d, made %s, was %d, made %s", filepath.Base(w.path),
			is.Inode, at(is.Birth), said.by.Inode, at(said.by.Birth))
	}
	return ""
}

// Says reports whether that is what the witness says already.
func (w Witness) Says(file Identity, held uint64) bool {
	said, is, err := w.read()
	return err == nil && said.held == held && file.isFile(said.file) && w.older(said, is, file, held) == ""
}

// Write has the witness say that the file holds a transaction, which must be on disk: after a crash it would else
// be the witness of what never was. A new witness has the mode 0600.
func (w Witness) Write(file Identity, held uint64) error {
	f, err := whole.Create(w.path, 0o600)
	if err != nil {
		return err
	}
	is, err := Of(f.File)
	if err == nil {
		_, err = f.Write([]byte(testimony{file, held, is}.String()))
	}
	if err == nil {
		err = f.Keep()
	}
	return errors.Join(err, f.Drop())
}

// Forget removes the witness. Whoever puts another file in the place of the file calls it first.
func (w Witness) Forget() error {
	if err := sys.Remove(w.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// read returns what the witness says, and what it is.
func (w Witness) read() (said testimony, is Identity, err error) {
	// What is no file is not opened: a pipe would be waited for.
	if info, err := os.Stat(w.path); err != nil || !info.Mode().IsRegular() || info.Size() > maxTestimony {
		return said, is, errors.Join(err, ErrEncoding)
	}
	f, err := os.Open(w.path)
	if err != nil {
		return said, is, err
	}
	defer f.Close()
	b := make([]byte, maxTestimony)
	n, _ := f.Read(b)
	if _, err := fmt.Sscanf(string(b[:n]), testimonyForm, &said.file.Inode, &said.file.Birth, &said.held, &said.by.Inode, &said.by.Birth); err != nil {
		return said, is, ErrEncoding
	}
	if said.String() != string(b[:n]) {
		return said, is, ErrEncoding
	}
	is, err = Of(f)
	return said, is, err
}
