package redisstore

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// FuzzNamed: whatever the prefix and the names, no store's keys are another's.
func FuzzNamed(f *testing.F) {
	f.Add("cache:", "sessions", "sessions2")
	f.Add(":", "a", "b")
	f.Add("cache.a:", "b", "a")
	f.Add("cache:a.b:", "_", "-")
	f.Add("x:", "", "a.b")
	client := redis.NewClient(&redis.Options{ContextTimeoutEnabled: true})
	f.Cleanup(func() { _ = client.Close() })
	f.Fuzz(func(t *testing.T, prefix, one, other string) {
		s, err := New(client, &Options{KeyPrefix: prefix})
		if err != nil {
			return
		}
		defer s.Close()
		a, err := s.Named(one)
		if err != nil {
			if one != "" && len(one) <= 64 && strings.Trim(one, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" {
				t.Fatalf("Named(%q): %v", one, err)
			}
			return
		}
		stores := []*Store{s, a}
		if b, err := s.Named(other); err == nil && one != other {
			stores = append(stores, b)
		}
		if b, err := a.Named(other); err == nil {
			stores = append(stores, b)
		}
		for i, x := range stores {
			if !strings.HasSuffix(x.prefix, ":") {
				t.Errorf("the prefix %q does not end in ':'", x.prefix)
			}
			for j, y := range stores {
				if i != j && strings.HasPrefix(x.prefix, y.prefix) {
					t.Errorf("what is below %q is below %q too", x.prefix, y.prefix)
				}
			}
		}
	})
}
