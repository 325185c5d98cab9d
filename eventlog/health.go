package eventlog

// Health is what keeps a log from taking or writing what it could. The zero Health is that of a log that
// is well, but for authors that are shut: see [Log.ShutReasons].
type Health struct {
	// Full says since when there is no room for what is written, nil while there is: what fails is an
	// [*UncertainError] with [UncertainError.NoRoom], and goes on by itself when there is room.
	Full *Full
	// ReadOnly is why nothing at all is written, or nil: the disk has failed, and the file is being opened
	// and verified again. If Broken is set that has come to nothing, and it stays so: the error wraps
	// [ErrReadOnly], and a [*DamagedError] where the file is damaged.
	ReadOnly error
	Broken   bool
	// Mute is why nothing is appended, though what peers send is stored, or nil: [ErrSecondWriter],
	// [ErrRecovering], or a [*DamagedError] where the end of our own feed cannot be read.
	Mute error
	// Damage is the first part of the file that was met and is not as it was written; nil if none was.
	Damage error
}

// Health returns how the log is at the moment. It reads nothing.
func (l *Log) Health() Health {
	mute := l.appendable()
	var damage error
	if d := l.damage.Load(); d != nil {
		damage = d
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return Health{Full: l.full, ReadOnly: l.frozen, Broken: l.broken, Mute: mute, Damage: damage}
}
