package httpcache_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// trusted makes the cache take the store for one that is always quick.
func (s *troubled) trusted() {
	for range 100 {
		s.get("/private")
	}
	settle()
}

func TestATrustedStoreThatKeepsToContextsDelaysNobody(t *testing.T) {
	wait := func(d time.Duration) func(o operation, _ <-chan struct{}) error {
		return func(o operation, _ <-chan struct{}) error {
			select {
			case <-time.After(d):
				return nil
			case <-o.ctx.Done():
				return o.ctx.Err()
			}
		}
	}
	tests := map[string]func(o operation, over <-chan struct{}) error{
		"refuses":     func(operation, <-chan struct{}) error { return errors.New("down") },
		"panics":      func(operation, <-chan struct{}) error { panic("the store has a bug") },
		"takes 100ms": wait(100 * time.Millisecond),
		"takes 249ms": wait(249 * time.Millisecond),
		"takes 10s":   wait(10 * time.Second),
		"has gone": func(o operation, over <-chan struct{}) error {
			select {
			case <-over:
			case <-o.ctx.Done():
			}
			return errors.New("down")
		},
		"looks at the clock itself": func(o operation, _ <-chan struct{}) error {
			at, ok := o.ctx.Deadline()
			if !ok {
				at = time.Now().Add(time.Minute)
			}
			<-time.After(time.Until(at))
			return errors.New("down")
		},
		"asks whether it may go on": func(o operation, _ <-chan struct{}) error {
			for start := time.Now(); o.ctx.Err() == nil && time.Since(start) < time.Minute; {
				<-time.After(time.Millisecond)
			}
			return errors.New("down")
		},
	}
	for name, what := range tests {
		for when, step := range steps() {
			t.Run("a store that "+name+", at "+when, func(t *testing.T) {
				for operations, met := 0, true; met; operations++ {
					synctest.Test(t, func(t *testing.T) {
						s := versions(t, false)
						s.trusted()
						step.before(s)
						s.trusted()
						s.trouble(operations, what)
						s.isServed(t, step)
						<-time.After(time.Minute) // what goes on in the background ends too
						s.end()
						met = s.met.Load()
					})
					if t.Failed() {
						t.Fatalf("trouble came after %d operations", operations)
					}
				}
			})
		}
	}
}

func TestAStoreThatTurnsDeafDelaysOnlyThoseWhoReadAtThatMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := versions(t, false)
		s.get("/page")
		s.trusted()
		<-time.After(time.Second) // nothing happens, which is no sign of trouble
		s.trouble(0, func(_ operation, over <-chan struct{}) error {
			<-over
			return nil
		})
		first := s.begin(request(http.MethodGet, "/page"))
		<-time.After(10 * time.Millisecond)
		for range 10 {
			s.isServed(t, steps()["a miss"])
		}
		if hasEnded(first) {
			t.Error("the first request has ended, and need not have been watched over")
		}
		s.end()
		if a := <-first; a.body != document("/page", 0) {
			t.Errorf("%d bytes, Cache-Status: %s", len(a.body), a.status())
		}
		settle()
		if a := s.get("/page"); !a.isHit() {
			t.Errorf("afterwards, Cache-Status: %s", a.status())
		}
	})
}

func TestAStoreThatWasSlowOnceIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := versions(t, false)
		s.get("/page")
		s.trusted()
		s.store.on(func(operation) error {
			<-time.After(6 * time.Millisecond)
			return nil
		})
		s.get("/page")
		s.trouble(0, func(_ operation, over <-chan struct{}) error {
			<-over
			return nil
		})
		s.isServed(t, steps()["a miss"])
		s.end()
	})
}

func TestAStoreOfWhichOneKeyHangsServesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := versions(t, false)
		for _, path := range []string{"/page", "/other"} {
			s.get(path)
		}
		s.trusted()
		var key string
		s.store.on(func(o operation) error { key = o.key; return nil })
		s.get("/page")
		s.store.on(func(o operation) error {
			if o.key == key {
				<-s.over
			}
			return nil
		})
		first := s.begin(request(http.MethodGet, "/page"))
		<-time.After(time.Second)
		for range 200 {
			if a := s.get("/other"); !a.isHit() {
				t.Errorf("another key has Cache-Status: %s", a.status())
			}
		}
		s.end()
		<-first
	})
}

func TestNoMoreThan256RequestsWaitForAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := versions(t, false)
		s.trouble(0, func(_ operation, over <-chan struct{}) error {
			<-over
			return errors.New("down")
		})
		start := time.Now()
		all := s.beginMany(400, "/page")
		at := 0
		for _, c := range all {
			at += len(c)
		}
		if at != 400-256 {
			t.Errorf("%d of 400 requests were answered without waiting, want 144", at)
		}
		for _, c := range all {
			if a := <-c; a.body != document("/page", 0) {
				t.Errorf("%d bytes", len(a.body))
			}
		}
		if got := time.Since(start); got != 250*time.Millisecond {
			t.Errorf("they took %v", got)
		}
		s.isServed(t, steps()["a change"])
		s.end()
		s.works()
	})
}
