package memstore

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// readers counts who reads without the store's mutex, in many places so that readers on many processors seldom write to the same
// cache line. A reader holds nobody up; whoever takes something from where readers find it keeps it, in the limbo, until each place was
// seen empty once: who comes later does not find it.
type readers [readerPlaces]readerPlace

type readerPlace struct {
	inside atomic.Int32
	_      [124]byte // two lines, for processors fetch them in pairs
}

const readerPlaces = 64

// enter counts a reader until it leaves the place returned.
func (r *readers) enter() *readerPlace {
	// Goroutines are told apart by where their stacks lie, which are 2 KiB at least. Which place it is decides speed alone.
	var here byte
	stack := uint64(uintptr(unsafe.Pointer(&here))) >> 11
	p := &r[stack*0x9e3779b97f4a7c15>>(64-6)]
	p.inside.Add(1)
	return p
}

func (p *readerPlace) leave() { p.inside.Add(-1) }

func (p *readerPlace) empty() bool { return p.inside.Load() == 0 }

// wait returns when each place was empty once. It waits on its feet: nobody is inside for long.
func (r *readers) wait() {
	for i := range r {
		for !r[i].empty() {
			runtime.Gosched()
		}
	}
}
