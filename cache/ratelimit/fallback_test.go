package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

// TestRoomIsLookedForOnceASecond fills what a process counts without the store: who then finds no room shares a bucket with who else does not.
func TestRoomIsLookedForOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limitOver(t, &uneven{Store: memory(t)}, ratelimit.Options{Limits: []cache.Limit{{Requests: 1, Period: 700 * time.Millisecond}}})
		for i := range 10_000 {
			if n := s.pass(1, fmt.Sprintf("10.0.%d.%d:1", i/250, i%250)); n != 1 {
				t.Fatalf("client %d does not pass", i)
			}
		}
		for i, step := range []struct {
			after time.Duration
			want  int
			why   string
		}{
			{0, 1, "there is no room"},
			{999 * time.Millisecond, 1, "there would be, and it has been looked for within the second"},
			{time.Millisecond, 3, "there is room"},
		} {
			<-time.After(step.after)
			passed := 0
			for j := range 3 {
				passed += s.pass(2, fmt.Sprintf("172.16.%d.%d:1", i, j))
			}
			if passed != step.want {
				t.Errorf("%v later %d of 3 clients passed, want %d: %s", step.after, passed, step.want, step.why)
			}
		}
		if n := s.pass(2, "10.0.0.0:1"); n != 1 {
			t.Errorf("of the first client %d passed, want 1: its bucket was whole again", n)
		}
	})
}

func TestACostIsTakenWholeWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limitOver(t, &uneven{Store: memory(t)}, priced(ratelimit.Options{Limits: []cache.Limit{{Requests: 5, Period: time.Minute}}}))
		for _, step := range []struct {
			path  string
			want  int
			field string
		}{
			{"/?4", 204, `"default";r=1;t=48`},
			{"/?2", 429, `"default";r=1;t=12`},
			{"/?0", 204, `"default";r=1;t=48`},
			{"/?1", 204, `"default";r=0;t=60`},
			{"/?1", 429, `"default";r=0;t=12`},
		} {
			if res := s.from(peer, step.path); res.StatusCode != step.want || res.Header.Get("Ratelimit") != step.field {
				t.Errorf("%s: %d %s, want %d %s", step.path, res.StatusCode, res.Header.Get("Ratelimit"), step.want, step.field)
			}
		}
	})
}

// TestACrowdPassesWhileTheStoreIsDownAsOftenAsTheLimitSays has the clients of a crowd share a bucket in this process.
func TestACrowdPassesWhileTheStoreIsDownAsOftenAsTheLimitSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limitOver(t, &uneven{Store: memory(t)}, ratelimit.Options{Limits: []cache.Limit{{Requests: 50, Period: 24 * time.Hour}}})
		var passed atomic.Int64
		var crowd sync.WaitGroup
		for range 20 {
			crowd.Go(func() { passed.Add(int64(s.pass(20, peer))) })
		}
		crowd.Wait()
		if passed.Load() != 50 {
			t.Errorf("of 400 requests %d passed, want 50", passed.Load())
		}
	})
}

// TestWhatIsTakenCountsWhileTheStoreIsDownUntilItIsBack asks just before it is, and then.
func TestWhatIsTakenCountsWhileTheStoreIsDownUntilItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limitOver(t, &uneven{Store: memory(t)}, ratelimit.Options{Limits: []cache.Limit{{Requests: 2, Period: time.Minute}}})
		if n := s.pass(3, peer); n != 2 {
			t.Errorf("%d passed, want 2", n)
		}
		<-time.After(30*time.Second - 1)
		if n := s.pass(3, peer); n != 0 {
			t.Errorf("a nanosecond too early %d passed", n)
		}
		<-time.After(1)
		if n := s.pass(3, peer); n != 1 {
			t.Errorf("after half of the period %d passed, want 1", n)
		}
		<-time.After(31 * time.Second)
		if n := s.pass(3, peer); n != 1 {
			t.Errorf("31 seconds later %d passed, want 1", n)
		}
	})
}
