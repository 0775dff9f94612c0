package memstore

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/larder-go/larder/internal/wait"
)

func TestAGateKeepsReadersAndTheWriterApart(t *testing.T) {
	const readers, writes = 8, 5_000
	var (
		g         gate
		mu        sync.Mutex
		all       sync.WaitGroup
		inside    atomic.Int32
		entered   atomic.Int64
		refused   atomic.Int64
		done      atomic.Bool
		one, same int // what the gate guards: the writer lets them differ for a moment
	)
	for range readers {
		all.Go(func() {
			for !done.Load() {
				if g.enter() {
					inside.Add(1)
					before := one
					runtime.Gosched()
					if one != before || same != before {
						t.Error("a reader saw the writer at work")
					}
					inside.Add(-1)
					g.leave()
					entered.Add(1)
					continue
				}
				refused.Add(1)
				mu.Lock()
				if one != same {
					t.Error("who waited for the mutex saw the writer at work")
				}
				mu.Unlock()
			}
		})
	}
	for n := 1; n < writes || entered.Load() < writes || refused.Load() < 100; n++ {
		mu.Lock()
		g.close()
		one++
		for range 3 {
			if got := inside.Load(); got != 0 {
				t.Errorf("%d readers are inside a closed gate", got)
			}
			runtime.Gosched()
		}
		same++
		g.open()
		mu.Unlock()
		runtime.Gosched() // so that who waits for the mutex has it, though there be one processor
		if n == 1_000_000 {
			t.Errorf("%d readers got in and %d did not, in %d turns", entered.Load(), refused.Load(), n)
		}
		if t.Failed() {
			break
		}
	}
	done.Store(true)
	all.Wait()
	if n := g.readers.Load(); n != 0 {
		t.Errorf("the gate counts %d when all have left", n)
	}
}

func TestAReaderThatFindsTheGateClosedLeavesNoTrace(t *testing.T) {
	var g gate
	for range 3 {
		g.close()
		for range 10 {
			if g.enter() {
				t.Fatal("a reader got in by a closed gate")
			}
		}
		if n := g.readers.Load(); n != -closed {
			t.Errorf("the closed gate counts %d; want %d", n, -closed)
		}
		g.open()
		for range 10 {
			if !g.enter() {
				t.Fatal("a reader did not get in by an open gate")
			}
		}
		for range 10 {
			g.leave()
		}
		if n := g.readers.Load(); n != 0 {
			t.Errorf("the open gate counts %d; want 0", n)
		}
	}
}

func TestClosingAGateWaitsForTheLastReader(t *testing.T) {
	var g gate
	var left, shut atomic.Bool
	g.enter()
	g.enter()
	var writer sync.WaitGroup
	writer.Go(func() {
		g.close()
		if !left.Load() {
			t.Error("the gate was closed with a reader inside")
		}
		shut.Store(true)
	})
	wait.Until(t, func() bool { return g.readers.Load() < 0 })
	if g.enter() {
		t.Error("a reader got in while the gate was being closed")
	}
	g.leave()
	for range 100 {
		runtime.Gosched()
	}
	left.Store(true)
	g.leave()
	wait.Until(t, shut.Load)
	writer.Wait()
}
