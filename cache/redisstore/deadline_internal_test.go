package redisstore

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestABoundedContextEndsOnTimeAndNotMuchLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 160 * time.Millisecond
		d := deadlines{timeout: timeout}
		var all sync.WaitGroup
		for range 50 { // several share a timer, and several timers are needed
			began := time.Now()
			ctx, end := d.bound(t.Context())
			if at, ok := ctx.Deadline(); !ok || !at.Equal(end) || !end.Equal(began.Add(timeout)) {
				t.Errorf("the deadline is %v after the beginning; want %v", at.Sub(began), timeout)
			}
			all.Go(func() {
				<-ctx.Done()
				if after := time.Since(began); after < timeout || after > timeout+timeout/16 {
					t.Errorf("Done is closed after %v; want %v, or a sixteenth more", after, timeout)
				}
				if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
					t.Errorf("Err is %v; want context.DeadlineExceeded", ctx.Err())
				}
			})
			<-time.After(timeout / 64)
			if ctx.Err() != nil {
				t.Errorf("Err is %v before the end", ctx.Err())
			}
		}
		all.Wait()
	})
}

func TestABoundedContextIsTheCallersWhereThatEndsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := deadlines{timeout: time.Second}
		for after, own := range map[time.Duration]bool{time.Millisecond: true, time.Second: true, time.Second + time.Second/16: true, time.Second + time.Second/15: false} {
			parent, cancel := context.WithTimeout(t.Context(), after)
			ctx, end := d.bound(parent)
			if (ctx == parent) != own {
				t.Errorf("the context of an operation whose caller's ends after %v is the caller's: %t; want %t", after, ctx == parent, own)
			}
			if at, _ := ctx.Deadline(); !at.Equal(end) {
				t.Errorf("the operation ends at %v, its context at %v", end, at)
			}
			cancel()
		}
	})
}

func TestABoundedContextSaysWhatItsCallersDoes(t *testing.T) {
	type carried struct{}
	synctest.Test(t, func(t *testing.T) {
		d := deadlines{timeout: time.Second}
		parent, cancel := context.WithCancel(context.WithValue(t.Context(), carried{}, "value"))
		ctx, _ := d.bound(parent)
		if ctx.Value(carried{}) != "value" {
			t.Error("what the caller's context carries is lost")
		}
		cancel()
		<-ctx.Done()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("Err is %v; want context.Canceled, since the caller has cancelled", ctx.Err())
		}
	})
}
