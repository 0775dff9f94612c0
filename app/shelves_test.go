package app_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/settings"
)

// shelves are the stores of a backend of the program's own. They note what is done to them, each under its key prefix.
type shelves struct {
	fail map[string]error // what opening gives, by key prefix

	mu     sync.Mutex
	opened []string
	closed []string
	ttls   map[string]time.Duration // of the last Set, by key prefix
}

func (s *shelves) open(_ context.Context, service settings.Settings) (cache.Store, error) {
	prefix := service.Cache.KeyPrefix
	s.mu.Lock()
	s.opened = append(s.opened, prefix)
	err := s.fail[prefix]
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	m, err := memstore.New(nil)
	return &shelfStore{m, prefix, s}, err
}

func (s *shelves) heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = nil
}

func (s *shelves) seen() (opened, closed []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.opened), slices.Clone(s.closed)
}

type shelfStore struct {
	cache.Store
	prefix string
	all    *shelves
}

func (s *shelfStore) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	if s.all.ttls == nil {
		s.all.ttls = map[string]time.Duration{}
	}
	s.all.ttls[s.prefix] = ttl
	return s.Store.Set(ctx, key, value, ttl)
}

func (s *shelfStore) Close() error {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.all.closed = append(s.all.closed, s.prefix)
	return errors.Join(s.Store.Close(), s.all.fail["close "+s.prefix])
}

// named is the cache of that name.
func named(t *testing.T, r *cache.Registry, name string) *cache.Cache {
	t.Helper()
	c, err := r.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// on is an environment with the Redis at url, which has the time that a busy machine needs.
func on(url string, env ...string) []string {
	return append([]string{"APP_CACHE_STORAGE_URL=" + url, "APP_CACHE_TIMEOUT=20s"}, env...)
}

// set stores a value that is the key.
func set(t *testing.T, c *cache.Cache, key string) {
	t.Helper()
	if err := c.Set(t.Context(), key, []byte(key), cache.Forever); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, c *cache.Cache, key string) bool {
	t.Helper()
	_, found, err := c.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
