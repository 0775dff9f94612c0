package cache_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

// closing is a store that writes down when it is closed.
type closing struct {
	*shelf
	name   string
	err    error
	closed *[]string
}

func (s closing) Close() error {
	*s.closed = append(*s.closed, s.name)
	return s.err
}

func TestCloseClosesTheLastFirstAndEachOnce(t *testing.T) {
	var closed []string
	open := func(name string) (*cache.Cache, error) {
		return cache.New(closing{newShelf(), name, nil, &closed}, nil)
	}
	r := cache.NewRegistry(open)
	first, _ := open("first")
	fourth, _ := open("fourth")
	for _, err := range []error{
		r.Register("first", first, false),
		func() error { _, err := r.Get("second"); return err }(),
		func() error { _, err := r.Get("third"); return err }(),
		r.Register("third", fourth, true), // the third stays open until Close
		r.Register("first-again", first, false),
		r.Register("fourth-again", fourth, false),
		r.Register("nothing", nil, false),
		r.Register("in-a-namespace", first.Namespace("a"), false),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(closed) > 0 {
		t.Errorf("before Close %q were closed", closed)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if diff := cmp.Diff([]string{"fourth", "third", "second", "first"}, closed); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
}

func TestCloseTriesAllThoughOneFails(t *testing.T) {
	var closed []string
	errOf := map[string]error{"b": errors.New("b would not close"), "c": errors.New("c would not close")}
	r := cache.NewRegistry(func(name string) (*cache.Cache, error) {
		return cache.New(closing{newShelf(), name, errOf[name], &closed}, nil)
	})
	for _, name := range []string{"a", "b", "c", "d"} {
		if _, err := r.Get(name); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		err := r.Close()
		if want := "cache: close: c would not close\ncache: close: b would not close"; errText(err) != want || !errors.Is(err, errOf["b"]) || !errors.Is(err, errOf["c"]) {
			t.Errorf("Close: %q; want %q", errText(err), want)
		}
	}
	if diff := cmp.Diff([]string{"d", "c", "b", "a"}, closed); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
}

func TestOneCacheForAllNamesIsClosedOnce(t *testing.T) {
	var closed []string
	shared := over(t, closing{newShelf(), "shared", errors.New("it would not close"), &closed})
	r := cache.NewRegistry(func(string) (*cache.Cache, error) { return shared, nil })
	for _, name := range []string{"a", "b"} {
		if _, err := r.Get(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Register("c", shared, false); err != nil {
		t.Fatal(err)
	}
	if got := errText(r.Close()); got != "cache: close: it would not close" || len(closed) != 1 {
		t.Errorf("Close: %q, closed %q; want one error of one", got, closed)
	}
}

func TestAfterCloseNobodyGetsACache(t *testing.T) {
	f := &shelves{}
	r := cache.NewRegistry(f.open)
	held, err := r.Get("known")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"known", "new"} {
		if c, err := r.Get(name); c != nil || !errors.Is(err, cache.ErrClosed) || !strings.HasPrefix(errText(err), `cache: registry: get "`+name+`": `) {
			t.Errorf("Get(%q) = %v, %v; want ErrClosed", name, c, err)
		}
	}
	want := `cache: registry: register "new": closed`
	if err := r.Register("new", nil, true); !errors.Is(err, cache.ErrClosed) || errText(err) != want {
		t.Errorf("Register: %v; want %q", err, want)
	}
	if err := held.Ping(t.Context()); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Ping through a handle from before: %v; want ErrClosed", err)
	}
	if len(f.asked) != 1 {
		t.Errorf("the factory was asked for %q; want nothing after Close", f.asked)
	}
}

func TestCloseOfAHandleDoesNothing(t *testing.T) {
	r := cache.NewRegistry((&shelves{}).open)
	made, err := r.Get("made")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Register("given", over(t, newShelf()), false); err != nil {
		t.Fatal(err)
	}
	given, err := r.Get("given")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*cache.Cache{"that the factory made": made, "that was registered": given} {
		if err := c.Close(); err != nil {
			t.Errorf("Close of a cache %s: %v", name, err)
		}
		if err := c.Ping(t.Context()); err != nil {
			t.Errorf("Ping of a cache %s after it: %v; want it open", name, err)
		}
	}
}

func TestCloseWaitsForAFactoryAtWorkAndClosesWhatItMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newShelf()
		r := cache.NewRegistry(func(string) (*cache.Cache, error) {
			<-release
			return cache.New(s, nil)
		})
		var wg sync.WaitGroup
		var got *cache.Cache
		wg.Go(func() {
			var err error
			if got, err = r.Get("sessions"); err != nil {
				t.Errorf("Get: %v", err)
			}
		})
		synctest.Wait()
		var returned atomic.Int32
		closes := func() {
			if err := r.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			returned.Add(1)
			if !s.closed {
				t.Error("Close returned and the cache that was being made is open")
			}
		}
		wg.Go(closes)
		synctest.Wait()
		if returned.Load() > 0 {
			t.Error("Close returned while the factory was at work")
		}
		if _, err := r.Get("other"); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("Get while Close waits: %v; want ErrClosed", err)
		}
		wg.Go(closes) // waits for the first
		close(release)
		wg.Wait()
		if err := got.Ping(t.Context()); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("Ping of the cache that was made meanwhile: %v; want ErrClosed", err)
		}
	})
}

// breaks panics when it is closed.
type breaks struct{ cache.Store }

func (breaks) Close() error { panic("it is stuck") }

func TestCloseTriesAllThoughOnePanics(t *testing.T) {
	var closed []string
	r := cache.NewRegistry(nil)
	for i, s := range []cache.Store{closing{newShelf(), "first", nil, &closed}, breaks{newShelf()}, closing{newShelf(), "last", nil, &closed}} {
		c, err := cache.New(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Register(fmt.Sprint("cache", i), c, false); err != nil {
			t.Fatal(err)
		}
	}
	err := r.Close()
	if err == nil || !strings.Contains(err.Error(), "panic: it is stuck") || !slices.Equal(closed, []string{"last", "first"}) {
		t.Errorf("Close: %v, closed %q; want the panic, and the two others closed", err, closed)
	}
}

func TestARegistryThatWasNotMadeSaysSo(t *testing.T) {
	var r cache.Registry
	_, get := r.Get("a")
	for name, err := range map[string]error{"Get": get, "Register": r.Register("a", nil, false)} {
		if err == nil || !strings.Contains(err.Error(), "not made by NewRegistry") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
