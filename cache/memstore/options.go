package memstore

import "fmt"

// DefaultMaxEntries is the limit where [Options] gives none.
const DefaultMaxEntries = 10_000

// Options are the options of [New]. The zero value is valid.
type Options struct {
	// MaxEntries is how many entries the store holds at most. Zero is [DefaultMaxEntries]; negative is an error.
	MaxEntries int
	// MaxBytes is how many bytes it holds at most: keys, values and 128 bytes of bookkeeping an entry. Zero is no limit;
	// negative is an error. A value that does not fit though all others were evicted is [cache.ErrTooLarge].
	MaxBytes int64
}

func (o *Options) limits() (maxEntries int, maxBytes int64, err error) {
	if o == nil {
		o = &Options{}
	}
	if o.MaxEntries < 0 {
		return 0, 0, fmt.Errorf("memstore: new: MaxEntries is %d; allowed: 0 (%d) or more", o.MaxEntries, DefaultMaxEntries)
	}
	if o.MaxBytes < 0 {
		return 0, 0, fmt.Errorf("memstore: new: MaxBytes is %d; allowed: 0 (no limit) or more", o.MaxBytes)
	}
	maxEntries = o.MaxEntries
	if maxEntries == 0 {
		maxEntries = DefaultMaxEntries
	}
	return maxEntries, o.MaxBytes, nil
}
