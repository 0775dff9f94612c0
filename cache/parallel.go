package cache

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// maxParallel is how many operations of the store one load has under way at once.
const maxParallel = 16

// parallel calls do with 0 to n-1, so many at a time, and returns when all calls have. If one panics so does parallel, then, with a *PanicError.
func parallel(n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	var next atomic.Int64
	var failed atomic.Pointer[PanicError]
	var all sync.WaitGroup
	for range min(n, maxParallel) {
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					failed.Store(&PanicError{Value: v, Stack: debug.Stack()})
				}
			}()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
	if p := failed.Load(); p != nil {
		panic(p)
	}
}
