package cache_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestALoaderThatAsksForItsOwnKeyGetsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, nil)
		get := func(ctx context.Context, key string, load func(context.Context) (string, error)) (string, error) {
			return cache.GetOrLoad(ctx, c, key, cache.Policy{}, load)
		}
		never := func(context.Context) (string, error) { t.Error("the inner loader was called"); return "", nil }
		_, err := get(t.Context(), "k", func(ctx context.Context) (string, error) { return get(ctx, "k", never) })
		if want := `cache: get or load "k": its own loader waits for this call`; fmt.Sprint(err) != want {
			t.Errorf("the error is %v; want %q", err, want)
		}
		_, err = get(t.Context(), "k", func(ctx context.Context) (string, error) {
			return get(ctx, "other", func(ctx context.Context) (string, error) { return get(ctx, "k", never) })
		})
		if want := `cache: get or load "k": its own loader waits for this call`; fmt.Sprint(err) != want {
			t.Errorf("through another key: the error is %v; want %q", err, want)
		}
		_, err = cache.GetOrLoadMany(t.Context(), c, []string{"k", "l"}, cache.Policy{}, func(ctx context.Context, _ []string) (map[string]string, error) {
			_, err := get(ctx, "l", never)
			return nil, err
		})
		if want := `cache: get or load "l": its own loader waits for this call`; fmt.Sprint(err) != want {
			t.Errorf("in a batch: the error is %v; want %q", err, want)
		}
		// The same key in another namespace is another.
		v, err := get(t.Context(), "k", func(ctx context.Context) (string, error) {
			return cache.GetOrLoad(ctx, c.Namespace("n"), "k", cache.Policy{}, func(context.Context) (string, error) { return "inner", nil })
		})
		if v != "inner" || err != nil {
			t.Errorf("of another namespace: %q, %v; want the value", v, err)
		}
	})
}

// askingFor is a loader that asks for the keys that others load, when it is let go on.
func askingFor(c *cache.Cache, let <-chan struct{}, keys ...string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		<-let
		all := ""
		for _, key := range keys {
			v, err := cache.GetOrLoad(ctx, c, key, cache.Policy{}, loads("leaf"))
			if err != nil {
				return "", err
			}
			all += v
		}
		return all, nil
	}
}

func TestLoadersThatAskForEachOthersKeysGetAnErrorAtOnce(t *testing.T) {
	for _, n := range []int{2, 3, 10} {
		t.Run(fmt.Sprintf("%d in a ring", n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, let, begun := inMemory(t, nil), make(chan struct{}), time.Now()
				var all []*asked
				for i := range n {
					all = append(all, ask(t.Context(), c, fmt.Sprint(i), cache.Policy{}, askingFor(c, let, fmt.Sprint((i+1)%n))))
				}
				close(let)
				for _, a := range all {
					if <-a.done; a.err == nil || a.err.Error() != all[0].err.Error() {
						t.Errorf("GetOrLoad = %q, %v; want the error of the call that would have closed the ring", a.value, a.err)
					}
				}
				if took := time.Since(begun); took > 0 {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestLoadersThatAskForOneKeyAndNotForEachOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, let := inMemory(t, nil), newSource(), make(chan struct{})
		leaf := ask(t.Context(), c, "leaf", cache.Policy{}, s.load)
		left, right := ask(t.Context(), c, "left", cache.Policy{}, askingFor(c, let, "leaf")), ask(t.Context(), c, "right", cache.Policy{}, askingFor(c, let, "leaf", "left"))
		top := ask(t.Context(), c, "top", cache.Policy{}, askingFor(c, let, "left", "right", "leaf"))
		close(let)
		top.waits(t)
		s.answer <- outcome{value: "1"}
		leaf.got(t, "1")
		left.got(t, "1")
		right.got(t, "11")
		top.got(t, "1111")
	})
}

func TestWhoDoesNotWaitAnyMoreIsInNobodysWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, letA, letB := inMemory(t, nil), make(chan struct{}), make(chan struct{})
		b := ask(t.Context(), c, "b", cache.Policy{}, askingFor(c, letB, "a"))
		a := ask(t.Context(), c, "a", cache.Policy{}, func(ctx context.Context) (string, error) {
			short, leave := context.WithTimeout(ctx, time.Second)
			defer leave()
			if v, err := cache.GetOrLoad(short, c, "b", cache.Policy{}, loads("leaf")); err == nil {
				t.Errorf("GetOrLoad of b = %q; want that there was no time for it", v)
			}
			<-letA
			return "without b", nil
		})
		<-time.After(2 * time.Second)
		close(letB)
		b.waits(t)
		close(letA)
		a.got(t, "without b")
		b.got(t, "without b")
	})
}

func TestWhoseLoaderHasGivenUpOnAnotherMayBeAskedByThatOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, letA, letB := inMemory(t, nil), make(chan struct{}), make(chan struct{})
		a := ask(t.Context(), c, "a", cache.Policy{}, func(ctx context.Context) (string, error) {
			short, leave := context.WithTimeout(ctx, time.Second)
			defer leave()
			if v, err := cache.GetOrLoad(short, c, "b", cache.Policy{}, askingFor(c, letB, "a")); err == nil { // b begins within a
				t.Errorf("GetOrLoad of b = %q; want that there was no time for it", v)
			}
			<-letA
			return "without b", nil
		})
		b := ask(t.Context(), c, "b", cache.Policy{}, loads("never"))
		<-time.After(2 * time.Second)
		close(letB)
		b.waits(t)
		close(letA)
		a.got(t, "without b")
		b.got(t, "without b")
	})
}

func TestARefreshMayAskForTheKeyInWhoseLoaderItBegan(t *testing.T) {
	for name, another := range map[string]bool{"of the same store": false, "of another store": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p, let := inMemory(t, nil), cache.Policy{TTL: time.Minute, StaleFor: time.Hour}, make(chan struct{})
				parts, first := c, make(chan struct{})
				if another {
					parts = inMemory(t, nil)
				}
				stored(t, parts, "part", p, "old")
				<-time.After(time.Minute)
				whole := ask(t.Context(), c, "whole", cache.Policy{}, func(ctx context.Context) (string, error) {
					part, err := cache.GetOrLoad(ctx, parts, "part", p, askingFor(c, first, "whole")) // does not wait for that
					<-let
					return "with the " + part + " part", err
				})
				close(first)
				whole.waits(t)
				close(let)
				whole.got(t, "with the old part")
				synctest.Wait()
				wantStored(t, parts, "part", "with the old part")
			})
		})
	}
}

func TestLoadersOfTwoStoresThatAskForEachOthersKeysGetAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other, begun := inMemory(t, nil), inMemory(t, nil), time.Now()
		_, err := cache.GetOrLoad(t.Context(), one, "k", cache.Policy{}, func(ctx context.Context) (string, error) {
			return cache.GetOrLoad(ctx, other, "k", cache.Policy{}, func(ctx context.Context) (string, error) {
				return cache.GetOrLoad(ctx, one, "k", cache.Policy{}, loads("leaf"))
			})
		})
		if want := `cache: get or load "k": its own loader waits for this call`; errText(err) != want || time.Since(begun) > 0 {
			t.Errorf("the error is %v after %v; want %q at once", err, time.Since(begun), want)
		}
	})
}
