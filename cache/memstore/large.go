package memstore

import "sync"

// largeValues are the values that are no part of their records, by ref. They are here from before readers find the ref until after they no longer
// do, and nobody ever writes into them.
type largeValues struct {
	mu     sync.RWMutex
	values map[uint32][]byte
}

func (l *largeValues) get(ref uint32) (value []byte, found bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	value, found = l.values[ref]
	return value, found
}

func (l *largeValues) put(ref uint32, value []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.values == nil {
		l.values = make(map[uint32][]byte)
	}
	l.values[ref] = value
}

func (l *largeValues) remove(ref uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.values, ref)
}

func (l *largeValues) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values = nil
}
