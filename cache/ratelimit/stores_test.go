package ratelimit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/ratelimit"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/tierstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// patience is how long a store may take on a machine that is busy.
const patience = time.Minute

func redisAt(t *testing.T, url string, timeout time.Duration) *redisstore.Store {
	t.Helper()
	s, err := redisstore.Open(context.Background(), url, &redisstore.Options{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stores are all on which limits may be counted.
func stores() map[string]func(t *testing.T) cache.Store {
	return map[string]func(t *testing.T) cache.Store{
		"memory":  func(t *testing.T) cache.Store { return memory(t) },
		"redis":   func(t *testing.T) cache.Store { return redisAt(t, redistest.Start(t).URL(), patience) },
		"cluster": func(t *testing.T) cache.Store { return redisAt(t, redistest.StartCluster(t, 3).URL(), patience) },
		"tiered": func(t *testing.T) cache.Store {
			near, err := memstore.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			s, err := tierstore.New(near, redisAt(t, redistest.Start(t).URL(), patience), nil)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		"file": func(t *testing.T) cache.Store {
			s, err := filestore.Open(t.TempDir(), &filestore.Options{Timeout: patience})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
}

func TestLimitsAreTheSameOnEveryStore(t *testing.T) {
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			s := limitOver(t, store(t), ratelimit.Options{
				Limits: []cache.Limit{{Name: "burst", Requests: 5, Period: time.Hour}, {Name: "daily", Requests: 12, Period: 24 * time.Hour}},
				Client: func(r *http.Request) string { return r.Header.Get("User") },
				Cost: func(r *http.Request) int64 {
					n, _ := strconv.ParseInt(r.URL.RawQuery, 10, 64)
					return n
				},
			})
			for _, step := range []struct {
				user, path string
				want       int
				left       string
			}{
				{"", "/?1", 204, `"burst";r=4;t=`},
				{"", "/?4", 204, `"burst";r=0;t=`},
				{"", "/?1", 429, `"burst";r=0;t=`},
				{"alice", "/?3", 204, `"burst";r=2;t=`},
				{"alice", "/?3", 429, `"burst";r=2;t=`},
				{"alice", "/?2", 204, `"burst";r=0;t=`},
			} {
				res := s.from(peer, step.path, "User", step.user)
				if res.StatusCode != step.want || !strings.HasPrefix(res.Header.Get("Ratelimit"), step.left) {
					t.Errorf("%q asks for %s: %d %s, want %d %s", step.user, step.path, res.StatusCode, res.Header.Get("Ratelimit"), step.want, step.left)
				}
				retry, err := strconv.Atoi(res.Header.Get("Retry-After"))
				if refused := err == nil; refused != (step.want == 429) || refused && (retry > 720 || retry < 600) {
					t.Errorf("%q asks for %s: Retry-After is %q, want about 720 where it is refused", step.user, step.path, res.Header.Get("Retry-After"))
				}
			}
			for _, e := range s.events {
				if e.Err != nil {
					t.Error(e.Err)
				}
			}
		})
	}
}

// counter counts what is sent to a server, whole pipelines as one.
type counter struct {
	redis.Hook
	trips int
}

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.trips++
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.trips++
		return next(ctx, cmds)
	}
}

func TestADecisionIsOneRoundTripAndEveryKeyOfItExpires(t *testing.T) {
	options, err := redis.ParseURL(redistest.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	trips := &counter{}
	client.AddHook(trips)
	store, err := redisstore.New(client, &redisstore.Options{Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Name: "burst", Requests: 10, Period: time.Hour}, {Name: "daily", Requests: 1000, Period: 24 * time.Hour}}})
	s.pass(1, "192.0.2.9:1") // the script is loaded
	before := trips.trips
	if n := s.pass(11, peer); n != 10 || trips.trips-before != 11 {
		t.Errorf("%d of 11 passed, in %d round trips, want 10 in 11", n, trips.trips-before)
	}
	before = trips.trips
	if n := s.pass(50, peer); n != 0 || trips.trips != before {
		t.Errorf("%d of 50 passed of who is known to be over the limit, in %d round trips, want none in none", n, trips.trips-before)
	}
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 2 {
		t.Fatalf("the keys are %q, %v", keys, err)
	}
	for _, key := range keys {
		if ttl, err := client.PTTL(t.Context(), key).Result(); err != nil || ttl <= 0 || ttl > 24*time.Hour {
			t.Errorf("%q has the lifetime %v, %v", key, ttl, err)
		}
	}
}

// What somebody else has written under the key of a client is no reason to refuse them for good, nor to let them pass for good.
func TestAClientWhoseCountIsGarbageIsLimitedAgain(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			store := open(t)
			s := limitOver(t, store, ratelimit.Options{Limits: []cache.Limit{{Requests: 2, Period: 24 * time.Hour}}})
			if err := store.Set(t.Context(), "default 192.0.2.1", []byte("garbage"), time.Hour); err != nil {
				t.Fatal(err)
			}
			if n := s.pass(5, peer); n != 2 {
				t.Errorf("%d of 5 passed, want 2", n)
			}
			if e := s.events[0]; e.By != ratelimit.InProcess || e.Err == nil {
				t.Errorf("the decision is %+v, want one without the store", e)
			}
		})
	}
}

func TestAServerThatComesBackCountsAgain(t *testing.T) {
	server := redistest.Start(t)
	s := limitOver(t, redisAt(t, server.URL(), 250*time.Millisecond), ratelimit.Options{Limits: []cache.Limit{{Requests: 1_000_000, Period: time.Hour}}})
	h := s.handler
	by := func() ratelimit.By {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		h.ServeHTTP(httptest.NewRecorder(), r)
		return s.events[len(s.events)-1].By
	}
	wait.Until(t, func() bool { return by() == ratelimit.Store })
	server.Freeze()
	if got := by(); got != ratelimit.InProcess {
		t.Errorf("while it is frozen %s decides", got)
	}
	server.Thaw()
	wait.Until(t, func() bool { return by() == ratelimit.Store })
}
