package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/quipulog/quipu/eventlog/internal/identity"
)

// ErrOvertaken ends a transaction of a file that was opened by [OpenToRead], where another process has committed since
// it began. What was read before that is what was there; the transaction shows nothing more, see [Tx].
var ErrOvertaken = errors.New("another process writes to the log faster than it can be read: ask its daemon, or read when it is done")

const (
	// tornTries is how often the meta pages are read again that do not check, and tornPause how long that waits
	// in between: who writes one has it half written for less.
	tornTries = 10
	tornPause = time.Millisecond
	// maxNode bounds the bytes of one node that is read, and so what a damaged length can allocate: a leaf has two
	// values of 16 MiB or three before bbolt splits it.
	maxNode = 64 << 20
	// maxBranches bounds the branch pages that a transaction keeps.
	maxBranches = 1 << 10
	// runLeast and runMost bound how many bytes are read at a time where pages are asked for one behind the other, from
	// time to time twice as many, and runGap how many pages may be left out in between: those of other trees, which the
	// same commits have written.
	runLeast, runMost = 8 << 10, 64 << 10
	runGap            = 8
)

// OpenToRead opens the file at path for whoever may only read it, or does not write: beside others that read, beside
// one that writes, and with nothing written, synced or locked. Its transactions only read. It returns
// [fs.ErrNotExist], [fs.ErrPermission] and [Damage].
//
// Nobody waits for such a reader, nor he for anybody. bbolt writes what transaction t+1 changes to pages that are free
// in t and t-1, and then the meta page that t-1 had; only then t+2 may begin, which writes to pages that are free in
// t+1, those of t among them. So whoever reads t is right for as long as the meta page of t-1 is still there:
//
//	t-1 ▒▒▒▒▒▒▒▒       t+1's pages are written, t is whole
//	t   ████████──?    the meta page of t+1 is written over that of t-1, t is whole
//	t+1         ░░░░   t+2's pages are written, perhaps over t's
//
// That meta page is looked at behind each page of t that is read, so nobody sees a page before it is known to be t's;
// where it has changed the transaction has met [ErrOvertaken], and another begins with what is there now. A lock that
// is shared would keep writers out, all the more the more read, and a killed reader's would be there until the system
// has taken it back; and a file that is mapped may change after it was checked. Plain reads copy.
//
// The file is open for one transaction at a time only, so that another may be put in its place, on systems too that
// refuse that for a file that is open. What is committed may be shown before it is on disk.
func OpenToRead(path string) (*File, error) {
	f := &File{path: path, onlooks: true}
	tx, err := f.Begin(false)
	if err != nil {
		return nil, err
	}
	return f, tx.Rollback()
}

// Tries is how often a step is taken that is done in no time, and LongTries how often one is that takes its time.
const Tries, LongTries = 1000, 10

// Undisturbed takes a step that reads, and again, so often at most, where that returns [ErrOvertaken].
func Undisturbed(tries int, step func() error) (err error) {
	for range tries {
		if err = step(); !errors.Is(err, ErrOvertaken) {
			break
		}
	}
	return err
}

// onlooker is one state of a file, which is read while others may write: see [OpenToRead].
type onlooker struct {
	file     *os.File
	metas    bothMetas         // the next commit writes over that of the state before
	branches map[uint64][]byte // by page
	run      pageRun           // what was read ahead
	ahead    uint64            // how many bytes the last run was to have
	behind   uint64            // the page behind what was read last
}

// pageRun is pages that lie one behind the other, as they are in the state.
type pageRun struct {
	first uint64
	b     []byte
}

// of returns n pages from page id on, nil where the run has not all of them.
func (r *pageRun) of(id, n, pageSize uint64) []byte {
	from, to := (id-r.first)*pageSize, (id-r.first+n)*pageSize
	if id < r.first || to > uint64(len(r.b)) {
		return nil
	}
	return r.b[from:to:to]
}

// near reports whether page id lies between two others, or close behind.
func near(id, from, to uint64) bool { return id >= from && id <= to+runGap }

// onlook begins a transaction that only looks on.
func (f *File) onlook() (tx *Tx, err error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) && Aside(f.path) { // whoever writes puts it back
		file, err = os.Open(aside(f.path))
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	metas, err := settledMetas(file)
	if err != nil {
		return nil, damaged(err)
	}
	newest := metas[metas.newest()]
	o := &onlooker{file: file, metas: metas, branches: make(map[uint64][]byte), behind: newest.highWater}
	o.run.first = newest.highWater // nothing lies behind that
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return &Tx{
		file: f, id: int64(newest.transaction), top: newest.root, Is: info,
		pages: pageFile{file: file, pageSize: newest.pageSize, highWater: newest.highWater, onlooker: o},
	}, nil
}

// settledMetas is readMetas where somebody may be writing one of them.
func settledMetas(file *os.File) (metas bothMetas, err error) {
	for try := 0; ; try++ {
		if metas, err = readMetas(file); err == nil || try == tornTries {
			return metas, err
		}
		time.Sleep(tornPause)
	}
}

// read returns n pages of the file f from page id on, the first of which are known. Whoever goes from one page to those
// behind it has more of them read at once: what a run has of the state is there as the state has it, and what the run has
// beside that nobody asks for.
func (o *onlooker) read(f *pageFile, id, n uint64, known []byte) ([]byte, error) {
	if b := o.branches[id]; b != nil && n == 1 {
		return b, nil
	}
	if n > maxNode/f.pageSize {
		return nil, fmt.Errorf("%w: %d has %d pages", errPage, id, n)
	}
	b := o.run.of(id, n, f.pageSize)
	if b == nil {
		var err error
		if b, err = o.load(f, id, n, known); err != nil {
			return nil, err
		}
	}
	if n == 1 && native.Uint16(b[8:]) == branchFlag {
		if len(o.branches) == maxBranches {
			clear(o.branches)
		}
		o.branches[id] = bytes.Clone(b) // else the whole run would be kept
	}
	return b, nil
}

// load is read of what is not in memory.
func (o *onlooker) load(f *pageFile, id, n uint64, known []byte) ([]byte, error) {
	most, runEnd := n, o.run.first+uint64(len(o.run.b))/f.pageSize
	runs := near(id, o.behind, o.behind) || near(id, o.run.first, runEnd)
	if runs {
		o.ahead = min(max(2*o.ahead, runLeast), runMost)
		most = max(n, min(o.ahead/f.pageSize, f.highWater-id))
	}
	b := make([]byte, most*f.pageSize)
	at := copy(b, known)
	read, err := o.file.ReadAt(b[at:], int64(id*f.pageSize)+int64(at))
	if late := o.overtaken(); late != nil {
		return nil, late
	}
	if whole := uint64(at+read) / f.pageSize; whole >= n {
		b, err = b[:whole*f.pageSize], nil // that the rest of a run cannot be read is for whoever asks for it
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: the file ends on page %d", errPage, id)
	}
	if err != nil {
		return nil, err
	}
	if o.behind = id + n; runs {
		o.run = pageRun{first: id, b: b}
	}
	return b[: n*f.pageSize : n*f.pageSize], nil
}

// overtaken returns [ErrOvertaken] where another state was committed, so that what was read last may be of a third.
func (o *onlooker) overtaken() error {
	older := 1 - o.metas.newest()
	was := o.metas[older]
	if m, err := readMetaPage(o.file, int64(older)*int64(was.pageSize)); err != nil || m != was {
		return ErrOvertaken
	}
	return nil
}

// free returns how many pages of the state are in no use, 0 where that cannot be told.
func (o *onlooker) free() int {
	free, err := readFreelist(o.file, o.metas[o.metas.newest()])
	if err != nil || o.overtaken() != nil {
		return 0
	}
	return len(free)
}

// identityOf returns what the file at path is on its file system.
func identityOf(path string) (is identity.Identity, err error) {
	file, err := os.Open(path)
	if err != nil {
		return is, err
	}
	defer file.Close()
	return identity.Of(file)
}

// OpenFor is [Open], or [OpenToRead] for whoever only reads.
func OpenFor(path string, reads bool) (*File, error) {
	if reads {
		return OpenToRead(path)
	}
	return Open(path)
}
