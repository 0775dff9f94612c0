package cache_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestPoliciesThatMakeNoSenseAreRefusedBeforeAnyLoad(t *testing.T) {
	const day = 24 * time.Hour
	for _, tc := range []struct {
		name   string
		p      cache.Policy
		bare   bool // over a store without any capability
		is     error
		speaks string
	}{
		{"a TTL below zero", cache.Policy{TTL: -time.Second}, false, cache.ErrInvalidTTL, "Policy.TTL is -1s; allowed: more than 0, or Forever"},
		{"the TTL of the entry that is there", cache.Policy{TTL: cache.KeepTTL}, false, cache.ErrInvalidTTL, "Policy.TTL is KeepTTL"},
		{"StaleFor below zero", cache.Policy{StaleFor: -1}, false, cache.ErrInvalidTTL, "Policy.StaleFor is -1ns; allowed: 0 to"},
		{"StaleIfError of more than 400 days", cache.Policy{StaleIfError: 400*day + 1}, false, cache.ErrInvalidTTL, "Policy.StaleIfError"},
		{"NegativeTTL for ever", cache.Policy{NegativeTTL: cache.Forever}, false, cache.ErrInvalidTTL, "Policy.NegativeTTL is Forever"},
		{"Exclusive below zero", cache.Policy{Exclusive: -time.Hour}, false, cache.ErrInvalidTTL, "Policy.Exclusive is -1h0m0s"},
		{"LoadTimeout below zero", cache.Policy{LoadTimeout: -1}, false, cache.ErrInvalidTTL, "Policy.LoadTimeout"},
		{"an Exclusive that is over at once", cache.Policy{Exclusive: 1}, false, cache.ErrInvalidTTL, "Policy.Exclusive is 1ns; allowed: 0, or 1ms to 9600h0m0s"},
		{"a LoadTimeout that is over at once", cache.Policy{LoadTimeout: time.Microsecond}, false, cache.ErrInvalidTTL, "Policy.LoadTimeout is 1µs; allowed: 0, or 1ms"},
		{"a LoadTimeout that is never over", cache.Policy{LoadTimeout: cache.Forever}, false, cache.ErrInvalidTTL, "Policy.LoadTimeout is Forever"},
		{"stale after for ever", cache.Policy{TTL: cache.Forever, StaleFor: 1}, false, cache.ErrInvalidTTL, "make no sense for what is fresh Forever"},
		{"an old value after for ever", cache.Policy{TTL: cache.Forever, StaleIfError: 1}, false, cache.ErrInvalidTTL, "make no sense for what is fresh Forever"},
		{"a load that outlives its lease", cache.Policy{Exclusive: time.Second, LoadTimeout: 2 * time.Second}, false, cache.ErrInvalidTTL, "must not outlive its lease"},
		{"an empty tag", cache.Policy{Tags: []string{"a", ""}}, false, cache.ErrInvalidKey, `the tag "" has 0 bytes; allowed: 1 to 1024`},
		{"a long tag", cache.Policy{Tags: []string{strings.Repeat("t", 1025)}}, false, cache.ErrInvalidKey, "has 1025 bytes"},
		{"65 tags", cache.Policy{Tags: slices.Repeat([]string{"t"}, 65)}, false, nil, "there are 65 of Policy.Tags; allowed: up to 64"},
		{"Exclusive on a store that cannot", cache.Policy{Exclusive: time.Second}, true, errors.ErrUnsupported, "Policy.Exclusive: "},
		{"Tags on a store that cannot", cache.Policy{Tags: []string{"t"}}, true, errors.ErrUnsupported, "Policy.Tags: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := inMemory(t, nil)
			if tc.bare {
				c = over(t, bare(newShelf()))
			}
			_, forErr := cache.For[string](c, "name", tc.p)
			_, err := cache.GetOrLoad(t.Context(), c, "k", tc.p, func(context.Context) (string, error) {
				t.Error("the loader was called")
				return "", nil
			})
			_, manyErr := cache.GetOrLoadMany(t.Context(), c, []string{"k"}, tc.p, func(context.Context, []string) (map[string]string, error) {
				t.Error("the loader was called")
				return nil, nil
			})
			for prefix, err := range map[string]error{`cache: for "name": `: forErr, `cache: get or load "k": `: err, "cache: get or load many of 1 key: ": manyErr} {
				if !strings.HasPrefix(errText(err), prefix) || !strings.Contains(errText(err), tc.speaks) || tc.is != nil && !errors.Is(err, tc.is) {
					t.Errorf("the error is %v; want %q and %q", err, prefix, tc.speaks)
				}
			}
			if tc.bare {
				return
			}
			var none *cache.Cache
			if _, err := cache.GetOrLoad(t.Context(), none, "k", tc.p, func(context.Context) (string, error) { return "", nil }); err == nil {
				t.Error("a nil cache takes it")
			}
		})
	}
}

func TestPoliciesThatMakeSenseAreTaken(t *testing.T) {
	for _, p := range []cache.Policy{
		{}, {TTL: 1}, {TTL: cache.Forever}, {TTL: cache.Forever - 1, StaleFor: 400 * 24 * time.Hour}, {TTL: cache.DefaultTTL, NegativeTTL: time.Hour}, {StaleFor: 1, StaleIfError: 2},
		{TTL: cache.Forever, Exclusive: time.Second, LoadTimeout: time.Second, Tags: []string{"a", "b"}}, {LoadTimeout: time.Hour}, {Tags: []string{"a", "a"}},
	} {
		c := inMemory(t, nil)
		for range 2 {
			v, err := cache.GetOrLoad(t.Context(), c, "k", p, func(context.Context) (string, error) { return "value", nil })
			if v != "value" || err != nil {
				t.Errorf("%+v: %q, %v; want the value", p, v, err)
			}
		}
	}
}

func TestOnAStoreWithoutCapabilitiesValuesAreLoadedAndKept(t *testing.T) {
	c, calls := over(t, bare(newShelf())), 0
	for range 3 {
		v, err := cache.GetOrLoad(t.Context(), c, "k", cache.Policy{StaleFor: time.Hour, StaleIfError: time.Hour, NegativeTTL: time.Hour}, func(context.Context) (string, error) {
			calls++
			return "value", nil
		})
		if v != "value" || err != nil || calls != 1 {
			t.Errorf("%q, %v after %d calls; want the value after one", v, err, calls)
		}
	}
}

func TestALoaderThatIsNilIsAnError(t *testing.T) {
	var c *cache.Cache
	for _, c := range []*cache.Cache{c, inMemory(t, nil)} {
		if _, err := cache.GetOrLoad[int](t.Context(), c, "k", cache.Policy{}, nil); errText(err) != `cache: get or load "k": the loader is nil` {
			t.Errorf("GetOrLoad: %v", err)
		}
		if _, err := cache.GetOrLoadMany[int](t.Context(), c, []string{"k"}, cache.Policy{}, nil); errText(err) != `cache: get or load many of 1 key: the loader is nil` {
			t.Errorf("GetOrLoadMany: %v", err)
		}
	}
}
