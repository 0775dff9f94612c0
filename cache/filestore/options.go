package filestore

import (
	"fmt"
	"time"
)

// Sync is what a write waits for before it returns. See "What survives" in the documentation of the package.
type Sync int

const (
	// SyncNone leaves it to the system when a write reaches the disk.
	SyncNone Sync = iota
	// SyncFile waits until the disk has the entry's bytes, not for its name.
	SyncFile
	// SyncFull waits until the disk has both.
	SyncFull
)

// String returns "none", "file" or "full", as the environment has them.
func (s Sync) String() string {
	switch s {
	case SyncNone:
		return "none"
	case SyncFile:
		return "file"
	case SyncFull:
		return "full"
	}
	return fmt.Sprintf("Sync(%d)", int(s))
}

const defaultTimeout = 250 * time.Millisecond

// Options are the options of [Open]. The zero value is valid.
type Options struct {
	// MaxBytes is how many bytes the files of the entries may take, each rounded up to 4,096. Zero is no limit; negative is an error.
	// It is held by sweeps, not by each write: see "What is removed" in the documentation of the package. An entry that is larger by itself is
	// [cache.ErrTooLarge].
	MaxBytes int64
	// Sync is what a write waits for. Zero is [SyncNone].
	Sync Sync
	// Timeout bounds every operation, and every entry or batch of Clear, Keys, DeleteExpired and the …Many. Zero is 250 ms; negative is an error.
	Timeout time.Duration
}

func (o *Options) resolve() (Options, error) {
	var r Options
	if o != nil {
		r = *o
	}
	if r.MaxBytes < 0 {
		return r, fmt.Errorf("MaxBytes is %d; allowed: 0 (no limit) or more", r.MaxBytes)
	}
	if r.Sync < SyncNone || r.Sync > SyncFull {
		return r, fmt.Errorf("there is no %v; allowed: SyncNone, SyncFile, SyncFull", r.Sync)
	}
	if r.Timeout < 0 {
		return r, fmt.Errorf("the timeout is %v; allowed: 0 (%v) or more", r.Timeout, defaultTimeout)
	}
	if r.Timeout == 0 {
		r.Timeout = defaultTimeout
	}
	return r, nil
}
