package cache_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
)

// catalogue is a loader of several keys, which has values for those that begin with a letter.
type catalogue struct {
	asked [][]string
	err   error
}

func (s *catalogue) load(_ context.Context, missing []string) (map[string]string, error) {
	s.asked = append(s.asked, slices.Sorted(slices.Values(missing)))
	values := map[string]string{"not asked for": "x"}
	for _, key := range missing {
		if key[0] >= 'a' {
			values[key] = "value of " + key
		}
	}
	return values, s.err
}

func wantMany(t *testing.T, c *cache.Cache, p cache.Policy, load func(context.Context, []string) (map[string]string, error), keys []string, want map[string]string) {
	t.Helper()
	got, err := cache.GetOrLoadMany(t.Context(), c, keys, p, load)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("GetOrLoadMany(%q): %v; (-want +got):\n%s", keys, err, diff)
	}
}

func wantAsked(t *testing.T, s *catalogue, want ...[]string) {
	t.Helper()
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("the loader was asked for (-want +got):\n%s", diff)
	}
}

func TestABatchLoadsOnlyWhatIsMissingInOneCall(t *testing.T) {
	for _, p := range []cache.Policy{{}, {Exclusive: time.Minute}, {Tags: []string{"tag"}, StaleFor: time.Hour}} {
		synctest.Test(t, func(t *testing.T) {
			c, s := inMemory(t, nil), &catalogue{}
			stored(t, c, "a", p, "old a")
			if err := c.Set(t.Context(), "b", []byte("set b"), time.Hour); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"a": "old a", "b": "set b", "c": "value of c", "d": "value of d"}
			wantMany(t, c, p, s.load, []string{"a", "c", "b", "c", "d", "1"}, want)
			wantAsked(t, s, []string{"1", "c", "d"})
			wantMany(t, c, p, s.load, []string{"d", "c"}, map[string]string{"c": "value of c", "d": "value of d"})
			wantMany(t, c, p, s.load, nil, map[string]string{})
			wantAsked(t, s, []string{"1", "c", "d"})
		})
	}
}

func TestABatchRemembersWhatWasNotFoundForNegativeTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, p := inMemory(t, nil), &catalogue{}, cache.Policy{NegativeTTL: time.Minute}
		for range 2 {
			wantMany(t, c, p, s.load, []string{"a", "1"}, map[string]string{"a": "value of a"})
		}
		wantAsked(t, s, []string{"1", "a"})
		<-time.After(time.Minute)
		wantMany(t, c, p, s.load, []string{"a", "1"}, map[string]string{"a": "value of a"})
		wantAsked(t, s, []string{"1", "a"}, []string{"1"})
	})
}

func TestABatchRefreshesWhatIsStaleInOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, p := inMemory(t, nil), &catalogue{}, cache.Policy{TTL: time.Minute, StaleFor: time.Hour}
		stored(t, c, "a", p, "old a")
		stored(t, c, "b", p, "old b")
		<-time.After(time.Minute)
		wantMany(t, c, p, s.load, []string{"a", "b"}, map[string]string{"a": "old a", "b": "old b"})
		synctest.Wait()
		wantMany(t, c, p, s.load, []string{"a", "b"}, map[string]string{"a": "value of a", "b": "value of b"})
		wantAsked(t, s, []string{"a", "b"})
	})
}

func TestABatchJoinsLoadsThatAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, one := inMemory(t, nil), &catalogue{}, newSource()
		a := ask(t.Context(), c, "a", cache.Policy{}, one.load)
		done := make(chan struct{})
		go func() {
			defer close(done)
			wantMany(t, c, cache.Policy{}, s.load, []string{"a", "b"}, map[string]string{"a": "of the other", "b": "value of b"})
		}()
		synctest.Wait()
		wantAsked(t, s, []string{"b"})
		one.answer <- outcome{value: "of the other"}
		a.got(t, "of the other")
		<-done
	})
}

func TestALoadersErrorIsThatOfTheBatch(t *testing.T) {
	failure := errors.New("the failure")
	c, s := inMemory(t, nil), &catalogue{err: failure}
	stored(t, c, "a", cache.Policy{}, "old a")
	got, err := cache.GetOrLoadMany(t.Context(), c, []string{"a", "b"}, cache.Policy{}, s.load)
	if got != nil || err != failure {
		t.Errorf("GetOrLoadMany = %v, %v; want nothing and the loader's own error", got, err)
	}
	wantMany(t, c, cache.Policy{}, s.load, []string{"a"}, map[string]string{"a": "old a"})
}

func TestABatchServesOldValuesWhereTheSourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, p := inMemory(t, nil), &catalogue{err: errors.New("the failure")}, cache.Policy{TTL: time.Minute, StaleIfError: time.Hour}
		stored(t, c, "a", p, "old a")
		<-time.After(time.Minute)
		wantMany(t, c, p, s.load, []string{"a"}, map[string]string{"a": "old a"})
	})
}

func TestABatchOnANilCacheIsOneCall(t *testing.T) {
	var c *cache.Cache
	s := &catalogue{}
	wantMany(t, c, cache.Policy{}, s.load, []string{"a", "1", "a"}, map[string]string{"a": "value of a"})
	wantAsked(t, s, []string{"1", "a"})
	wantMany(t, c, cache.Policy{}, s.load, nil, map[string]string{})
}

func TestABatchWithAnInvalidKeyLoadsNothing(t *testing.T) {
	c, s := inMemory(t, nil), &catalogue{}
	if _, err := cache.GetOrLoadMany(t.Context(), c, []string{"a", ""}, cache.Policy{}, s.load); !errors.Is(err, cache.ErrInvalidKey) {
		t.Errorf("GetOrLoadMany: %v; want ErrInvalidKey", err)
	}
	wantAsked(t, s)
}
