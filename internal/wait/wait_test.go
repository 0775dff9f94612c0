package wait_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/internal/wait"
)

func TestUntilAsksAtOnceAndDoesNotPauseWhenTheConditionHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, asked := time.Now(), 0
		wait.Until(t, func() bool { asked++; return true })
		if asked != 1 || time.Since(start) != 0 {
			t.Errorf("asked %d times in %s, want once in no time", asked, time.Since(start))
		}
	})
}

func TestUntilReturnsWithin20MillisecondsOfTheConditionHolding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const after = 10*time.Second + time.Millisecond
		start, asked := time.Now(), 0
		wait.Until(t, func() bool { asked++; return time.Since(start) >= after })
		if late := time.Since(start) - after; late > 20*time.Millisecond {
			t.Errorf("returned %s late, want at most 20ms", late)
		}
		if asked > 510 {
			t.Errorf("asked %d times in 10 s, want about one in 20 ms", asked)
		}
	})
}

func TestUntilFailsTheTestAfter30Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		recorder := &recorder{TB: t}
		returned := false
		done := make(chan struct{})
		go func() {
			defer close(done)
			wait.Until(recorder, func() bool { return false })
			returned = true
		}()
		<-done
		if returned {
			t.Error("Until returned though the condition never held")
		}
		if took := time.Since(start); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("gave up after %s, want 30s", took)
		}
		if want := "the condition waited for did not hold within 30s"; recorder.message != want {
			t.Errorf("failed with %q, want %q", recorder.message, want)
		}
	})
}

// recorder is a testing.TB that keeps the message of Fatalf instead of failing the test that runs.
type recorder struct {
	testing.TB
	message string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
