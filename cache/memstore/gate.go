package memstore

import (
	"runtime"
	"sync/atomic"
)

// A gate keeps the readers of a shard and the store's one writer apart. It is a readers-writer lock without what [sync.RWMutex] has
// to order writers among themselves, which the store's mutex has done already: so closing and opening it costs two atomic additions
// instead of four. A reader that finds it closed does not wait here, but for the mutex.
//
// Who is inside does nothing that can block or allocate, for a writer that closes the gate waits on its feet.
type gate struct {
	readers atomic.Int32 // inside, less closed while a writer has it
}

const closed = 1 << 30

// enter lets a reader in, unless the gate is closed.
func (g *gate) enter() bool {
	if g.readers.Add(1) > 0 {
		return true
	}
	g.readers.Add(-1)
	return false
}

func (g *gate) leave() { g.readers.Add(-1) }

// close returns when the last reader has left. The caller holds the store's mutex.
func (g *gate) close() {
	for n := g.readers.Add(-closed); n != -closed; n = g.readers.Load() {
		runtime.Gosched()
	}
}

func (g *gate) open() { g.readers.Add(closed) }
