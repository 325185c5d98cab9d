package eventlog

import (
	"errors"
	"os"

	"github.com/quipulog/quipu/eventlog/internal/disk"
)

// ErrOpenedReadOnly is returned by everything that writes to a log that was opened with [Config].ReadOnly.
var ErrOpenedReadOnly = errors.New("log is open for reading only")

// ErrOvertaken is returned by readers of such a log where another process commits so often that no step of the reading
// comes to its end in between.
var ErrOvertaken = disk.ErrOvertaken

// onlooker reads a file that others may write to.
type onlooker struct {
	store  *store
	reread func(tx *readTx) (contents, error) // reads the log as a transaction shows it
}

// begin is [store.beginRead] of an onlooker. What the log has in memory is older than the transaction, as it is for one that
// a commit overtakes. But what was forgotten since must not pass for missing, nor another file for this one: then the log
// is read anew.
func (o *onlooker) begin() (*readTx, error) {
	s := o.store
	begun, err := s.begin(false)
	if err != nil {
		return nil, err
	}
	tx := &readTx{Tx: begun}
	err = s.locate(tx.Do(func() error {
		sweep, err := tx.sweep()
		if err == nil {
			tx.most, err = tx.end()
		}
		s.mu.RLock()
		known := s.contents
		s.mu.RUnlock()
		if err == nil && (sweep != known.state.Sweep || tx.ID() < known.durable || !os.SameFile(tx.Is, known.is)) {
			known, err = o.reread(tx)
		}
		tx.next, tx.pruneSweep, tx.lastSweep = known.state.Next, known.state.PruneSweep, known.state.Sweep
		return err
	}))
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}
