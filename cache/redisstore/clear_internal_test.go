package redisstore

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestClearRestsAsLongAsItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		rests := func(worked time.Duration) time.Duration {
			begun := time.Now()
			p.rest(t.Context(), worked)
			return time.Since(begun)
		}
		for _, step := range []struct{ worked, want time.Duration }{
			{200 * time.Microsecond, 0},
			{200 * time.Microsecond, 0},
			{200 * time.Microsecond, 0},
			{200 * time.Microsecond, 0},
			{250 * time.Microsecond, 1050 * time.Microsecond}, // what was owed until then
			{time.Second, 0},                                  // most of which it waited for its turn
			{time.Second, 0},
			{time.Second, 0},
			{time.Second, time.Millisecond},
		} {
			if got := rests(step.worked); got != step.want {
				t.Errorf("after a page of %v it rested for %v; want %v", step.worked, got, step.want)
			}
		}
		p.owed = -3 * time.Millisecond // a timer was late
		for range 15 {
			if got := rests(time.Millisecond); got != 0 {
				t.Errorf("it rested for %v though it had rested too long before", got)
			}
		}
	})
}

func TestARestEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		(&pace{owed: time.Hour}).rest(ctx, 0)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("it rested for %v; want a second, when the context ended", took)
		}
	})
}
