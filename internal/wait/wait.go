// Package wait is the one place where tests wait in real time.
//
// A test that waits for another process or for the network cannot use a fake clock. It states what it waits for
// and continues as soon as that holds, which is faster than a sleep and, having a generous limit, not flaky.
// Where only goroutines and timers of this process are involved, testing/synctest is the better tool.
package wait

import (
	"testing"
	"time"
)

const (
	limit      = 30 * time.Second
	firstPause = 2 * time.Millisecond
	lastPause  = 20 * time.Millisecond
)

// Until returns as soon as condition holds, and fails t if it does not hold within 30 seconds.
//
// The condition is asked at once, then after pauses that grow from 2 to 20 milliseconds, always in the caller's
// goroutine, which must be the test's own, as for t.Fatal. The limit is looked at between two calls: a condition
// that may block needs a bound of its own.
func Until(t testing.TB, condition func() bool) {
	t.Helper()
	start := time.Now()
	for pause := firstPause; !condition(); pause = min(2*pause, lastPause) {
		if time.Since(start) >= limit {
			t.Fatalf("the condition waited for did not hold within %s", limit)
		}
		time.Sleep(pause)
	}
}
