package cache_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestNew(t *testing.T) {
	for _, tc := range []struct {
		name  string
		store cache.Store
		o     *cache.Options
		want  string // "" for success
	}{
		{"takes nil options", &recorder{}, nil, ""},
		{"takes a default lifetime", &recorder{}, &cache.Options{TTL: time.Second}, ""},
		{"takes Forever as the default", &recorder{}, &cache.Options{TTL: cache.Forever}, ""},
		{"refuses a nil store", nil, nil, "the store is nil"},
		{"refuses a negative default", &recorder{}, &cache.Options{TTL: -time.Second}, "invalid lifetime: default of -1s"},
		{"refuses KeepTTL as the default", &recorder{}, &cache.Options{TTL: cache.KeepTTL}, "invalid lifetime"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := cache.New(tc.store, tc.o)
			if got := errText(err); (tc.want == "") != (err == nil) || !strings.Contains(got, tc.want) {
				t.Errorf("New: %q; want %q", got, tc.want)
			}
		})
	}
}

func TestWhatTheStoreSees(t *testing.T) {
	ctx := t.Context()
	value := []byte("v")
	for _, tc := range []struct {
		name string
		do   func(c *cache.Cache)
		want []string
	}{
		{"a key of the root as it is", func(c *cache.Cache) { _ = c.Set(ctx, "user:1", value, time.Second) }, []string{"set user:1 1s"}},
		{"one more @ before a key that begins with one", func(c *cache.Cache) { _ = c.Delete(ctx, "@odd") }, []string{"delete @@odd"}},
		{"a level of namespace", func(c *cache.Cache) { _, _, _ = c.Namespace("sessions").Get(ctx, "abc") }, []string{"get @sessions:abc"}},
		{"two levels", func(c *cache.Cache) { _, _ = c.Namespace("a").Namespace("b").Exists(ctx, "@k") }, []string{"exists @a:@b:@@k"}},
		{"the default lifetime", func(c *cache.Cache) { _ = c.Set(ctx, "k", value, cache.DefaultTTL) }, []string{"set k 1h0m0s"}},
		{"Forever", func(c *cache.Cache) { _ = c.Set(ctx, "k", value, cache.Forever) }, []string{"set k forever"}},
		{"a Delete for a lifetime of zero", func(c *cache.Cache) { _ = c.Set(ctx, "k", value, 0) }, []string{"delete k"}},
		{"a Delete for the least duration", func(c *cache.Cache) { _ = c.Set(ctx, "k", value, math.MinInt64) }, []string{"delete k"}},
		{"KeepTTL, and an Add with the default where nothing was", func(c *cache.Cache) { _ = c.Set(ctx, "k", value, cache.KeepTTL) }, []string{"set k keep", "add k 1h0m0s"}},
		{"an Add with the default for KeepTTL", func(c *cache.Cache) { _, _ = c.Add(ctx, "k", value, cache.KeepTTL) }, []string{"add k 1h0m0s"}},
		{"a look only for an Add that has expired", func(c *cache.Cache) { _, _ = c.Add(ctx, "k", value, -1) }, []string{"exists k"}},
		{"an empty prefix for a Clear of the root", func(c *cache.Cache) { _ = c.Clear(ctx) }, []string{"clear "}},
		{"its prefix for a Clear of a namespace", func(c *cache.Cache) { _ = c.Namespace("a").Namespace("b").Clear(ctx) }, []string{"clear @a:@b:"}},
		{"nothing of a bad key", func(c *cache.Cache) { _ = c.Set(ctx, "", value, time.Second) }, nil},
		{"nothing of a value that is too large", func(c *cache.Cache) { _ = c.Set(ctx, "k", make([]byte, cache.MaxValueLen+1), time.Second) }, nil},
		{"nothing under a context that is done", func(c *cache.Cache) { _ = c.Clear(cancelled()) }, nil},
		{"nothing after Close", func(c *cache.Cache) { _ = c.Close(); _ = c.Ping(ctx) }, []string{"close"}},
		{"one Close of many", func(c *cache.Cache) { _ = c.Close(); _ = c.Close() }, []string{"close"}},
		{"no Close of a namespace", func(c *cache.Cache) { _ = c.Namespace("a").Close() }, nil},
		{"no Close of a handle from a context", func(c *cache.Cache) { _ = cache.FromContext(cache.NewContext(ctx, c)).Close() }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &recorder{}
			c, err := cache.New(s, &cache.Options{TTL: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			tc.do(c)
			if diff := cmp.Diff(tc.want, s.calls); diff != "" {
				t.Errorf("the store's calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetWithKeepTTLStartsOverWhenAnotherWasFirst(t *testing.T) {
	s := &recorder{addLoses: 2}
	c, err := cache.New(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set(t.Context(), "k", nil, cache.KeepTTL); err != nil {
		t.Fatal(err)
	}
	want := []string{"set k keep", "add k 5m0s", "set k keep", "add k 5m0s", "set k keep", "add k 5m0s"}
	if diff := cmp.Diff(want, s.calls); diff != "" {
		t.Errorf("the store's calls (-want +got):\n%s", diff)
	}
}

func TestTheOrderOfChecksIsKeyContextClosed(t *testing.T) {
	c, err := cache.New(&recorder{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	for _, tc := range []struct {
		ctx  context.Context
		key  string
		want error
	}{
		{cancelled(), "", cache.ErrInvalidKey},
		{cancelled(), "k", context.Canceled},
		{t.Context(), "k", cache.ErrClosed},
	} {
		_, _, getErr := c.Get(tc.ctx, tc.key)
		_, addErr := c.Add(tc.ctx, tc.key, nil, 0)
		for op, err := range map[string]error{"get": getErr, "set": c.Set(tc.ctx, tc.key, nil, 0), "add": addErr} {
			if !errors.Is(err, tc.want) {
				t.Errorf("%s: %v; want %v", op, err, tc.want)
			}
		}
	}
}

func TestErrorsNameTheOperationAndTheKeyOnce(t *testing.T) {
	long := strings.Repeat("k", 100)
	down := &cache.OpError{Op: "get", Key: "@ns:key as the store sees it", Err: cache.ErrUnavailable}
	for _, tc := range []struct {
		name string
		do   func(c *cache.Cache) error
		want string
	}{
		{"a store's own naming is replaced", func(c *cache.Cache) error { _, _, err := c.Namespace("ns").Get(t.Context(), "k"); return err }, `cache: get "k": store unavailable`},
		{"a long key is cut", func(c *cache.Cache) error { return c.Delete(t.Context(), long) }, `cache: delete "` + long[:64] + `"…: store unavailable`},
		{"a key is quoted", func(c *cache.Cache) error { return c.Delete(t.Context(), "a\nb") }, `cache: delete "a\nb": store unavailable`},
		{"a Clear names its namespace", func(c *cache.Cache) error { return c.Namespace("ns").Clear(t.Context()) }, `cache: clear "@ns:": store unavailable`},
		{"a Ping has no key", func(c *cache.Cache) error { return c.Ping(t.Context()) }, `cache: ping: store unavailable`},
		{"an empty key says what is allowed", func(c *cache.Cache) error { return c.Delete(t.Context(), "") }, `cache: delete: invalid key: it is empty; allowed: 1 to 1024 bytes`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := cache.New(&recorder{err: down}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := errText(tc.do(c)); got != tc.want {
				t.Errorf("%q; want %q", got, tc.want)
			}
		})
	}
}

func TestNothingIsFoundBesideAnError(t *testing.T) {
	c, err := cache.New(&recorder{err: cache.ErrUnavailable, found: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v, found, err := c.Get(t.Context(), "k"); v != nil || found || err == nil {
		t.Errorf("Get = %q, %t, %v; want nil, false and the error", v, found, err)
	}
	if found, err := c.Exists(t.Context(), "k"); found || err == nil {
		t.Errorf("Exists = %t, %v; want false and the error", found, err)
	}
}

func TestAStoreWithoutACapability(t *testing.T) {
	c, err := cache.New(struct{ cache.Store }{&recorder{}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Add(t.Context(), "k", nil, time.Second); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Add: %v; want ErrUnsupported", err)
	}
	if err := c.Set(t.Context(), "k", nil, cache.KeepTTL); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Set with KeepTTL on an absent key: %v; want ErrUnsupported", err)
	}
	if _, err := c.Stats(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Stats: %v; want ErrUnsupported", err)
	}
}

func TestTheNilCache(t *testing.T) {
	var c *cache.Cache
	ctx := t.Context()
	if v, found, err := c.Get(ctx, "k"); v != nil || found || err != nil {
		t.Errorf("Get = %q, %t, %v; want a miss", v, found, err)
	}
	if found, err := c.Exists(ctx, "k"); found || err != nil {
		t.Errorf("Exists = %t, %v; want false", found, err)
	}
	if stored, err := c.Add(ctx, "k", nil, time.Second); !stored || err != nil {
		t.Errorf("Add = %t, %v; want stored", stored, err)
	}
	if st, err := c.Stats(ctx); st != (cache.Stats{}) || err != nil {
		t.Errorf("Stats = %v, %v; want zeros", st, err)
	}
	for op, err := range map[string]error{
		"Set": c.Set(ctx, "k", nil, time.Second), "Delete": c.Delete(ctx, "k"), "Clear": c.Clear(ctx), "Ping": c.Ping(ctx), "Close": c.Close(),
	} {
		if err != nil {
			t.Errorf("%s: %v; want nil", op, err)
		}
	}
	if n := c.Namespace("a"); n != nil {
		t.Errorf("Namespace = %v; want nil", n)
	}
}

func TestNamespacePanicsOn(t *testing.T) {
	c, err := cache.New(&recorder{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	deep := c
	for range 8 {
		deep = deep.Namespace("n")
	}
	for _, tc := range []struct {
		name string
		c    *cache.Cache
		ns   string
		want string
	}{
		{"an empty name", c, "", "has 0 bytes; allowed: 1 to 64"},
		{"a name of 65 bytes", c, strings.Repeat("n", 65), "has 65 bytes"},
		{"a colon", c, "a:b", `has ':'`},
		{"an @", c, "@a", `has '@'`},
		{"a letter beyond ASCII", c, "é", "allowed: letters and digits of ASCII"},
		{"a bad name on a nil cache too", nil, "a b", `has ' '`},
		{"a ninth level", deep, "n", "more than 8 deep"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, tc.want) {
					t.Errorf("panic %q; want %q", got, tc.want)
				}
			}()
			tc.c.Namespace(tc.ns)
		})
	}
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []cache.Event
		s := &recorder{delay: time.Second}
		c, err := cache.New(s, &cache.Options{OnEvent: func(e cache.Event) { got = append(got, e) }})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		_, _, _ = c.Get(ctx, "k")
		s.found = true
		_, _, _ = c.Get(ctx, "k")
		_ = c.Set(ctx, "k", nil, time.Second)
		_, _ = c.Add(ctx, "k", nil, time.Second)
		s.err = cache.ErrUnavailable
		_ = c.Namespace("a").Delete(ctx, "k")
		want := []cache.Event{
			{Op: "get", Result: cache.ResultMiss, Duration: time.Second},
			{Op: "get", Result: cache.ResultHit, Duration: time.Second},
			{Op: "set", Result: cache.ResultOK, Duration: time.Second},
			{Op: "add", Result: cache.ResultOK, Duration: time.Second},
			{Op: "delete", Result: cache.ResultError, Duration: time.Second},
		}
		if last := len(got) - 1; last >= 0 {
			if !errors.Is(got[last].Err, cache.ErrUnavailable) {
				t.Errorf("the failed event's error is %v; want ErrUnavailable", got[last].Err)
			}
			got[last].Err = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestFrom(t *testing.T) {
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if got := cache.From(holder{r}); got != nil {
		t.Errorf("From a request without a cache = %v; want nil", got)
	}
	with := r.WithContext(cache.NewContext(r.Context(), c))
	if err := cache.From(holder{with}).Set(t.Context(), "k", []byte("v"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if v, _, _ := c.Get(t.Context(), "k"); string(v) != "v" {
		t.Errorf("a value set through the request's cache = %q; want it in the cache", v)
	}
	if got := cache.FromContext(cache.NewContext(with.Context(), nil)); got != nil {
		t.Errorf("a nil cache in a context = %v; want it to hide the other", got)
	}
	if n := testing.AllocsPerRun(100, func() { cache.From(holder{with}) }); n != 0 {
		t.Errorf("From allocates %v times; want 0", n)
	}
}

type holder struct{ r *http.Request }

func (h holder) Request() *http.Request { return h.r }

// recorder is a store that is empty and tells what it was asked.
type recorder struct {
	calls    []string
	err      error
	found    bool
	addLoses int
	delay    time.Duration
}

func (r *recorder) record(call string) error {
	r.calls = append(r.calls, call)
	if r.delay > 0 {
		<-time.After(r.delay)
	}
	return r.err
}

func (r *recorder) Get(_ context.Context, key string) ([]byte, bool, error) {
	return []byte("v"), r.found, r.record("get " + key)
}

func (r *recorder) Set(_ context.Context, key string, _ []byte, ttl time.Duration) error {
	if err := r.record("set " + key + " " + lifetime(ttl)); err != nil || ttl != cache.KeepTTL {
		return err
	}
	return cache.ErrNotFound
}

func (r *recorder) Add(_ context.Context, key string, _ []byte, ttl time.Duration) (bool, error) {
	err := r.record("add " + key + " " + lifetime(ttl))
	if r.addLoses > 0 {
		r.addLoses--
		return false, err
	}
	return true, err
}

func (r *recorder) Delete(_ context.Context, key string) error { return r.record("delete " + key) }
func (r *recorder) Clear(_ context.Context, p string) error    { return r.record("clear " + p) }
func (r *recorder) Ping(context.Context) error                 { return r.record("ping") }
func (r *recorder) Close() error                               { return r.record("close") }
func (r *recorder) Exists(_ context.Context, key string) (bool, error) {
	return r.found, r.record("exists " + key)
}

func lifetime(d time.Duration) string {
	switch d {
	case cache.Forever:
		return "forever"
	case cache.KeepTTL:
		return "keep"
	}
	return d.String()
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
