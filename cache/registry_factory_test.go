package cache_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

// shelves is a default factory that makes a cache over a store of its own for each name, and remembers them.
type shelves struct {
	mu     sync.Mutex
	asked  []string
	during func(name string) error
}

func (f *shelves) open(name string) (*cache.Cache, error) {
	f.mu.Lock()
	f.asked = append(f.asked, name)
	f.mu.Unlock()
	if f.during != nil {
		if err := f.during(name); err != nil {
			return nil, err
		}
	}
	return cache.New(newShelf(), nil)
}

func TestANameIsMadeOnceAndIsTheSameHandleEachTime(t *testing.T) {
	f := &shelves{}
	r := cache.NewRegistry(f.open)
	first, err := r.Get("sessions")
	if err != nil || first == nil {
		t.Fatalf("Get = %v, %v", first, err)
	}
	if again, err := r.Get("sessions"); again != first || err != nil {
		t.Errorf("Get again = %p, %v; want the same handle %p", again, err, first)
	}
	if other, err := r.Get("pages"); other == first || err != nil {
		t.Errorf("Get of another name = %p, %v; want a cache of its own", other, err)
	}
	if diff := cmp.Diff([]string{"sessions", "pages"}, f.asked); diff != "" {
		t.Errorf("the factory was asked (-want +got):\n%s", diff)
	}
}

func TestAHundredWhoAskAtOnceGetOneCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := &shelves{during: func(string) error { <-release; return nil }}
		r := cache.NewRegistry(f.open)
		var got [100]*cache.Cache
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				c, err := r.Get("sessions")
				if err != nil {
					t.Errorf("Get: %v", err)
				}
				got[i] = c
			})
		}
		synctest.Wait() // all hundred are in Get
		if diff := cmp.Diff([]string{"sessions"}, f.asked); diff != "" {
			t.Errorf("the factory was asked (-want +got):\n%s", diff)
		}
		close(release)
		wg.Wait()
		for i, c := range got {
			if c == nil || c != got[0] {
				t.Errorf("caller %d got %p; want what the first got, %p", i, c, got[0])
			}
		}
		if len(f.asked) != 1 {
			t.Errorf("the factory was asked %d times; want once", len(f.asked))
		}
	})
}

func TestAFactoryAtWorkOnOneNameHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := &shelves{during: func(name string) error {
			if name == "slow" {
				<-release
			}
			return nil
		}}
		r := cache.NewRegistry(f.open)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = r.Get("slow") })
		synctest.Wait()
		if _, err := r.Get("fast"); err != nil {
			t.Errorf("Get of another name: %v", err)
		}
		if err := r.Register("given", nil, false); err != nil {
			t.Errorf("Register of another name: %v", err)
		}
		close(release)
		wg.Wait()
	})
}

func TestAFactoryMayAskForAnotherName(t *testing.T) {
	var r *cache.Registry
	r = cache.NewRegistry(func(name string) (*cache.Cache, error) {
		if name == "far" {
			return cache.New(newShelf(), nil)
		}
		return r.Get("far")
	})
	if c, err := r.Get("near"); c == nil || err != nil {
		t.Errorf("Get = %v, %v; want a cache", c, err)
	}
}

func TestAFactoryThatFailsIsAskedAgain(t *testing.T) {
	failures := 2
	f := &shelves{during: func(string) error {
		if failures--; failures >= 0 {
			return cache.ErrUnavailable
		}
		return nil
	}}
	r := cache.NewRegistry(f.open)
	for range 2 {
		c, err := r.Get("sessions")
		if want := `cache: registry: get "sessions": store unavailable`; c != nil || errText(err) != want || !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("Get while the factory fails = %v, %q; want %q", c, errText(err), want)
		}
	}
	if c, err := r.Get("sessions"); c == nil || err != nil {
		t.Errorf("Get once it does not = %v, %v; want a cache", c, err)
	}
	if len(f.asked) != 3 {
		t.Errorf("the factory was asked %d times; want 3", len(f.asked))
	}
}

func TestANameWhoseFactoryFailedCanBeRegistered(t *testing.T) {
	r := cache.NewRegistry(func(string) (*cache.Cache, error) { return nil, cache.ErrUnavailable })
	if _, err := r.Get("sessions"); err == nil {
		t.Fatal("Get gave no error")
	}
	if err := r.Register("sessions", nil, false); err != nil {
		t.Errorf("Register: %v; want the name free", err)
	}
}

func TestAFactoryThatDoesNotReturnWedgesNobody(t *testing.T) {
	for name, leave := range map[string]func(){"panics": func() { panic("no") }, "ends its goroutine": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				leaves := true
				r := cache.NewRegistry(func(string) (*cache.Cache, error) {
					if leaves {
						<-release
						leaves = false
						leave()
					}
					return cache.New(newShelf(), nil)
				})
				var wg sync.WaitGroup
				var recovered any
				wg.Go(func() {
					defer func() { recovered = recover() }()
					c, err := r.Get("sessions")
					t.Errorf("Get of the caller whose factory does not return = %v, %v; want no return", c, err)
				})
				synctest.Wait()
				for range 3 {
					wg.Go(func() {
						c, err := r.Get("sessions")
						if c != nil || !strings.HasSuffix(errText(err), `get "sessions": the default factory did not return`) {
							t.Errorf("Get of one who waited = %v, %v; want an error that says why", c, err)
						}
					})
				}
				synctest.Wait()
				close(release)
				wg.Wait()
				if (recovered != nil) != (name == "panics") {
					t.Errorf("the caller's goroutine recovered %v", recovered)
				}
				if c, err := r.Get("sessions"); c == nil || err != nil {
					t.Errorf("the next Get = %v, %v; want a cache", c, err)
				}
				if err := r.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		})
	}
}

func TestAFactoryMayReturnTheNilCache(t *testing.T) {
	r := cache.NewRegistry(func(string) (*cache.Cache, error) { return nil, nil }) //nolint:nilnil // the nil cache is valid
	c, err := r.Get("sessions")
	if c != nil || err != nil {
		t.Errorf("Get = %v, %v; want the nil cache", c, err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestAnOverrideWhileTheFactoryIsAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fails := range []bool{false, true} {
			release := make(chan struct{})
			made := newShelf()
			r := cache.NewRegistry(func(string) (*cache.Cache, error) {
				<-release
				if fails {
					return nil, cache.ErrUnavailable
				}
				return cache.New(made, nil)
			})
			var waited *cache.Cache
			var wg sync.WaitGroup
			wg.Go(func() { waited, _ = r.Get("sessions") })
			synctest.Wait()
			if err := r.Register("sessions", over(t, newShelf()), false); err == nil {
				t.Error("Register without override: nil; want an error: the name is being made")
			}
			if err := r.Register("sessions", over(t, newShelf()), true); err != nil {
				t.Fatal(err)
			}
			registered, _ := r.Get("sessions")
			close(release)
			wg.Wait()
			if (waited == nil) != fails || waited == registered {
				t.Errorf("who waited for the factory got %p; want what it made", waited)
			}
			if again, err := r.Get("sessions"); again != registered || err != nil {
				t.Errorf("once the factory is done: %p, %v; want what was registered, %p", again, err, registered)
			}
			if err := r.Close(); err != nil || made.closed == fails {
				t.Errorf("Close: %v, what the factory made is closed: %t", err, made.closed)
			}
		}
	})
}
