package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/app"
	"github.com/larder-go/larder/app/apptest"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
	"github.com/larder-go/larder/lifecycle"
	"github.com/larder-go/larder/settings"
)

func build(t *testing.T, b *app.Builder) *app.App {
	t.Helper()
	a, err := silent(b).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestANameOnARedisThatIsDown(t *testing.T) {
	down := redistest.Start(t)
	down.Kill()
	env := []string{"APP_STORES=sessions=redis", "APP_CACHE_STORAGE_URL=" + down.URL(), "APP_HEALTH_DETAILS=true", "APP_HEALTH_INTERVAL=50ms"}
	t.Run("takes the service out, and its return back in", func(t *testing.T) {
		s := redistest.Start(t)
		s.Kill()
		a := apptest.New(t, app.New(load(t, slices.Concat(env, []string{"APP_CACHE_STORAGE_URL=" + s.URL()})...)).Cache())
		w := a.Get("/ready")
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "cache.sessions") {
			t.Errorf("readiness says %d %s; want 503 and the name", w.Code, w.Body)
		}
		set(t, a.Cache(), "k") // memory serves
		s.Restart()
		wait.Until(t, func() bool { return a.Get("/ready").Code == http.StatusOK })
	})
	t.Run("degrades the service where the operator said so", func(t *testing.T) {
		a := apptest.New(t, app.New(load(t, append(env, "APP_CACHE_READINESS=degraded")...)).Cache())
		w := a.Get("/ready")
		if w.Code != http.StatusOK || w.Header().Get("Cache.sessions") != "degraded" {
			t.Errorf("readiness says %d, Cache.sessions is %q; want 200 and degraded", w.Code, w.Header().Get("Cache.sessions"))
		}
	})
	t.Run("refuses the start where the operator said so", func(t *testing.T) {
		a := build(t, app.New(load(t, append(env, "APP_CACHE_FAIL_START=true")...)).Cache())
		err := a.Start(t.Context())
		if !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), `cache "sessions": `) {
			t.Errorf("Start: %v; want ErrUnavailable, and the name", err)
		}
		if _, err := a.Registry().Get("sessions"); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("the registry after a start that failed: %v; want ErrClosed", err)
		}
	})
	t.Run("is logged with its name", func(t *testing.T) {
		var log lockedBuffer
		a, err := app.New(load(t, env...)).Cache().Logger(slog.New(slog.NewTextHandler(&log, nil))).Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := named(t, a.Registry(), "sessions").Get(t.Context(), "k"); !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("Get: %v; want ErrUnavailable", err)
		}
		if !strings.Contains(log.String(), "the cache does not answer") || !strings.Contains(log.String(), "cache=sessions") {
			t.Errorf("logged:\n%s", log.String())
		}
		if err := errors.Join(a.Start(t.Context()), a.Stop(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

func TestAMistakeBehindANameIsToldAtTheStartWithTheVariableToChange(t *testing.T) {
	url := redistest.Start(t, "--requirepass", "right").URL()
	a := build(t, app.New(load(t, on(url, "APP_STORES=sessions=redis", "APP_CACHE_FAIL_START=true")...)).Cache())
	err := a.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "change the user and password in APP_CACHE_STORAGE_URL") {
		t.Errorf("Start: %v; want what to change", err)
	}
}

func TestAStoreThatPanicsWhenItIsAskedDoesNotServe(t *testing.T) {
	open := func(context.Context, settings.Settings) (cache.Store, error) { return panics{memory(t)}, nil }
	env := []string{"APP_STORES=sessions=mine", "APP_HEALTH_DETAILS=true"}
	a := apptest.New(t, app.New(load(t, env...)).Cache().Backend("mine", open))
	if w := a.Get("/ready"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "panic: no such shelf") {
		t.Errorf("readiness says %d %s; want 503 and why", w.Code, w.Body)
	}
	b := build(t, app.New(load(t, append(env, "APP_CACHE_FAIL_START=true")...)).Cache().Backend("mine", open))
	if err := b.Start(t.Context()); err == nil || !strings.Contains(err.Error(), `cache "sessions": panic: no such shelf`) {
		t.Errorf("Start: %v; want the panic", err)
	}
}

type panics struct{ cache.Store }

func (panics) Ping(context.Context) error { panic("no such shelf") }

func TestReadinessHasACheckForEachBackendThatItsNamesAdd(t *testing.T) {
	long := strings.Repeat("x", 64)
	for _, tc := range []struct {
		name  string
		env   []string
		store cache.Store
		want  []string
	}{
		{"a name on another backend", []string{"APP_STORES=sessions=shelf"}, nil, []string{"cache", "cache.sessions"}},
		{"a name on the backend of the default cache", []string{"APP_STORES=sessions=memory"}, nil, []string{"cache"}},
		{"Redis by its two names", []string{"APP_CACHE_BACKEND=redis", "APP_STORES=sessions=valkey,pages=memory"}, nil, []string{"cache", "cache.pages"}},
		{"a name without a store", []string{"APP_STORES=pages=none"}, nil, []string{"cache"}},
		{"no default cache", []string{"APP_CACHE_BACKEND=none", "APP_STORES=sessions=memory"}, nil, []string{"cache.sessions"}},
		{"a store of the program's", []string{"APP_STORES=sessions=memory"}, memory(t), []string{"cache", "cache.sessions"}},
		{"a store of the program's instead of none", []string{"APP_CACHE_BACKEND=none"}, memory(t), []string{"cache"}},
		{"the longest name", []string{"APP_STORES=" + long + "=shelf"}, nil, []string{"cache", "cache." + long}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url := redistest.URL(t)
			b := app.New(load(t, on(url, append(tc.env, "APP_HEALTH_DETAILS=true")...)...)).Cache().Backend("shelf", shelf)
			if tc.store != nil {
				b.Store(tc.store)
			}
			a := apptest.New(t, b)
			_, _ = a.Registry().Get("later") // one that is made on its first use adds none
			var body struct{ Checks map[string]string }
			if err := json.Unmarshal(a.Get("/ready").Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(slices.Sorted(maps.Keys(body.Checks)), func(name string) bool { return !strings.HasPrefix(name, "cache") })
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the checks differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStopClosesEachStoreOnceTheLastOpenedFirst(t *testing.T) {
	var s shelves
	a := build(t, app.New(load(t, "APP_CACHE_BACKEND=shelf", "APP_STORES=b=shelf,a=shelf")).Cache().Backend("shelf", s.open))
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	mine, err := cache.New(&shelfStore{memory(t), "mine", &s}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Registry().Register("c", mine, false); err != nil {
		t.Fatal(err)
	}
	lazy := named(t, a.Registry(), "d")
	s.mu.Lock()
	s.fail = map[string]error{"close cache.a:": errors.New("the lid is stuck"), "close mine": errors.New("mine is stuck")}
	s.mu.Unlock()
	err = a.Stop(t.Context())
	for _, want := range []string{`stop "cache"`, "the lid is stuck", "mine is stuck"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Stop: %v; want %s in it", err, want)
		}
	}
	if _, closed := s.seen(); !slices.Equal(closed, []string{"cache.d:", "mine", "cache.b:", "cache.a:", "cache:"}) {
		t.Errorf("closed were %q", closed)
	}
	for name, c := range map[string]*cache.Cache{"a named cache": lazy, "the default cache": a.Cache()} {
		if _, _, err := c.Get(t.Context(), "k"); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("%s after Stop: %v; want ErrClosed", name, err)
		}
	}
	if _, err := a.Registry().Get("e"); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("the registry after Stop: %v; want ErrClosed", err)
	}
}

func TestACacheThatTheProgramRegistersIsClosedWithTheService(t *testing.T) {
	for _, backend := range []string{"memory", "none"} {
		t.Run("on "+backend, func(t *testing.T) {
			var s shelves
			register := func(ctx context.Context) error {
				mine, err := cache.New(&shelfStore{memory(t), "mine", &s}, nil)
				if err != nil {
					return err
				}
				return cache.RegistryFromContext(ctx).Register("mine", mine, false)
			}
			a := build(t, app.New(load(t, "APP_CACHE_BACKEND="+backend)).Cache().Hook(lifecycle.Hook{Name: "mine", Start: register}))
			if err := a.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(a.Registry().Close(), a.Cache().Close()); err != nil { // neither is the caller's to close
				t.Error(err)
			}
			set(t, named(t, a.Registry(), "mine"), "k")
			if err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if _, closed := s.seen(); !slices.Equal(closed, []string{"mine"}) {
				t.Errorf("closed were %q; want the program's, once", closed)
			}
		})
	}
}

func TestStopClosesTheClientThatTheNamesShare(t *testing.T) {
	for _, env := range [][]string{{"APP_CACHE_BACKEND=redis"}, {"APP_STORES=sessions=redis"}} {
		t.Run(env[0], func(t *testing.T) {
			server := redistest.Start(t)
			client := redistest.Client(t, server.URL())
			a := build(t, app.New(load(t, on(server.URL(), env...)...)).Cache())
			if err := a.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			set(t, named(t, a.Registry(), "sessions"), "k")
			if n := clients(t, client); n < 2 {
				t.Errorf("the server has %d clients; want the service's too", n)
			}
			if err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			wait.Until(t, func() bool { return clients(t, client) == 1 })
		})
	}
}

// clients is how many connections the server has, the caller's one included.
func clients(t *testing.T, c *redis.Client) int {
	t.Helper()
	list, err := c.ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(list, "\n")
}

func TestABuildThatFailsClosesWhatItHadOpened(t *testing.T) {
	s := shelves{fail: map[string]error{"cache.b:": errors.New("no room"), "cache.c:": errors.New("no light")}}
	_, err := silent(app.New(load(t, "APP_CACHE_BACKEND=shelf", "APP_STORES=a=shelf,b=shelf,c=shelf,d=shelf")).Cache().Backend("shelf", s.open)).Build(t.Context())
	for _, want := range []string{`cache "b": backend "shelf": no room`, `cache "c": backend "shelf": no light`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build: %v; want %s in it", err, want)
		}
	}
	if _, closed := s.seen(); !slices.Equal(closed, []string{"cache.d:", "cache.a:", "cache:"}) {
		t.Errorf("closed were %q; want what was open, each once", closed)
	}
}

func TestAStoreThatTheProgramGivesIsClosedOnceWhenANameCannotBeOpened(t *testing.T) {
	s := shelves{fail: map[string]error{"cache.a:": errors.New("no room")}}
	given := &shelfStore{memory(t), "given", &s}
	_, err := silent(app.New(load(t, "APP_STORES=a=shelf")).Store(given).Backend("shelf", s.open)).Build(t.Context())
	if err == nil {
		t.Fatal("Build succeeded")
	}
	if _, closed := s.seen(); !slices.Equal(closed, []string{"given"}) {
		t.Errorf("closed were %q; want the store that was given, once", closed)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
