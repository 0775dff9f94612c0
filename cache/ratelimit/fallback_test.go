package ratelimit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/ratelimit"
)

// uneven is a store that fails: at once, or as late as a timeout.
type uneven struct {
	*memstore.Store

	late bool
}

const timeout = 250 * time.Millisecond

func (s *uneven) Take(context.Context, string, []cache.Limit, int64) (cache.Decision, error) {
	if s.late {
		<-time.After(timeout)
	}
	return cache.Decision{}, errDown
}

// TestARequestThatWaitedForTheStoreGivesNobodyMore has one request wait while others do not: to the limiter it comes after them, though it began before.
func TestARequestThatWaitedForTheStoreGivesNobodyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &uneven{Store: memory(t)}
		s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Requests: 100, Period: time.Second}}})
		passed, began := s.pass(200, peer), time.Now()
		for range 8 {
			store.late = true
			late := make(chan int)
			go func() { late <- s.pass(1, peer) }()
			synctest.Wait()
			store.late = false
			<-time.After(timeout - time.Millisecond)
			passed += s.pass(200, peer)
			passed += <-late
			passed += s.pass(200, peer)
		}
		if want := 100 + int(time.Since(began)/(10*time.Millisecond)); passed != want {
			t.Errorf("in %v %d passed, want %d", time.Since(began), passed, want)
		}
	})
}

// TestWhatComesBackWhileTheStoreIsDown is exact, in one process.
func TestWhatComesBackWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limitOver(t, &uneven{Store: memory(t)}, ratelimit.Options{Limits: []cache.Limit{{Name: "burst", Requests: 7, Period: time.Second}, {Name: "daily", Requests: 20, Period: 24 * time.Hour}}})
		passed, began := s.pass(20, peer), time.Now()
		for range 11 {
			<-time.After(100 * time.Millisecond)
			passed += s.pass(20, peer)
		}
		if want := 7 + int(7*time.Since(began)/time.Second); passed != want {
			t.Errorf("in %v %d passed, want %d", time.Since(began), passed, want)
		}
		<-time.After(10 * time.Second)
		passed += s.pass(20, peer)
		if passed != 20 {
			t.Errorf("ten seconds later %d passed in all, want the day's 20", passed)
		}
		for _, e := range s.events {
			if e.By != ratelimit.InProcess || !errors.Is(e.Err, errDown) {
				t.Fatalf("a decision is %+v", e)
			}
		}
	})
}
