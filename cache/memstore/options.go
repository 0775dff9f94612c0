package memstore

import "fmt"

// DefaultMaxEntries is the limit where [Options] gives none.
const DefaultMaxEntries = 10_000

// Bookkeeping is what an entry counts for beyond its key and value, in bytes. It takes about 50: 20 at the head of its record and up to 7 behind
// it, 20 in the order of eviction, 7 in the table that finds it; the rest is for rooms that stand empty.
const Bookkeeping = 64

// Options are the options of [New]. The zero value is valid.
type Options struct {
	// MaxEntries is how many entries the store holds at most. Zero is [DefaultMaxEntries]; negative is an error. Nothing is reserved for
	// them but 22 KiB, and 64 bytes for every thousand beyond 65,000.
	MaxEntries int
	// MaxBytes is how many bytes it holds at most: keys, values and [Bookkeeping] for each entry. Zero is no limit;
	// negative is an error. A value that does not fit though all others were evicted is [cache.ErrTooLarge]. What the process has in
	// use for them is more; see "Memory" in the documentation of the package.
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
