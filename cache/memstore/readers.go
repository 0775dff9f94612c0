package memstore

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// readers are the seats where who reads without the store's mutex says in which room, so that it is not used for something else
// meanwhile: see Store.claim. (The literature calls them hazard pointers: Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free Objects", 2004.) A
// reader that loses its processor keeps a room from being used, and nobody waiting.
type readers [seatCount]seat

// A seat is a cache line, so that readers on many processors seldom write to the same.
type seat struct {
	room atomic.Uint32 // a ref, plus 1; 0: nobody is here
	_    [60]byte
}

const (
	seatBits   = 7
	seatCount  = 1 << seatBits
	seatsTried = 16
)

// enter takes a seat for who will read in the room. It returns nil where very many readers are inside.
func (r *readers) enter(ref uint32) *seat {
	// Goroutines are told apart by where their stacks lie, which are 2 KiB at least. Which seat it is decides speed alone.
	var here byte
	stack := uint64(uintptr(unsafe.Pointer(&here))) >> 11
	first := stack * 0x9e3779b97f4a7c15 >> (64 - seatBits)
	for i := range uint64(seatsTried) {
		if p := &r[(first+i)%seatCount]; p.room.CompareAndSwap(0, ref+1) {
			return p
		}
	}
	return nil
}

func (p *seat) leave() { p.room.Store(0) }

// inside appends the rooms in which somebody reads to refs.
func (r *readers) inside(refs []uint32) []uint32 {
	for i := range r {
		if room := r[i].room.Load(); room != 0 {
			refs = append(refs, room-1)
		}
	}
	return refs
}

// wait returns when all have left who were inside. The caller sees to it that nobody enters for long.
func (r *readers) wait() {
	for i := range r {
		for r[i].room.Load() != 0 {
			runtime.Gosched()
		}
	}
}
