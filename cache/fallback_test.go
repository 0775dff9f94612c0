package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestStaleIfErrorServesTheOldValueWhereTheLoaderGivesNoAnswer(t *testing.T) {
	for _, tc := range []struct {
		name string
		load func(ctx context.Context, hung chan struct{}) (string, error)
	}{
		{"it waits until its context is done", func(ctx context.Context, _ chan struct{}) (string, error) { <-ctx.Done(); return "", ctx.Err() }},
		{"it fails once its context is done", func(ctx context.Context, _ chan struct{}) (string, error) {
			<-ctx.Done()
			return "", errors.New("the source is slow")
		}},
		{"it ignores its context", func(_ context.Context, hung chan struct{}) (string, error) { <-hung; return "late", nil }},
		{"it ends its goroutine", func(context.Context, chan struct{}) (string, error) { runtime.Goexit(); return "", nil }},
	} {
		for _, p := range []cache.Policy{
			{TTL: time.Minute, StaleIfError: time.Hour, LoadTimeout: time.Second},
			{TTL: time.Minute, StaleIfError: time.Hour, LoadTimeout: time.Second, Exclusive: time.Minute},
			{TTL: time.Minute, StaleIfError: time.Hour, LoadTimeout: time.Second, Tags: []string{"tag"}},
		} {
			t.Run(fmt.Sprintf("%s, %+v", tc.name, p), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, hung := inMemory(t, nil), make(chan struct{})
					const keys = 20 // more than one: the loader and LoadTimeout may be first, each
					for i := range keys {
						stored(t, c, fmt.Sprint(i), p, "old")
					}
					<-time.After(time.Minute)
					for i := range keys {
						begun := time.Now()
						ask(t.Context(), c, fmt.Sprint(i), p, func(ctx context.Context) (string, error) { return tc.load(ctx, hung) }).got(t, "old")
						if took := time.Since(begun); took > p.LoadTimeout {
							t.Errorf("it took %v; want LoadTimeout at most", took)
						}
					}
					close(hung)
				})
			})
		}
	}
}

func TestNothingIsServedThatIsOlderThanThePolicyOfTheCallerHasIt(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy cache.Policy
	}{
		{"his policy has no StaleFor", cache.Policy{}},
		{"his policy has a smaller StaleFor", cache.Policy{StaleFor: time.Minute}},
		{"his policy has only a StaleIfError, and the source works", cache.Policy{StaleIfError: 2 * time.Hour}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inMemory(t, nil)
				for _, key := range []string{"a", "b"} {
					stored(t, c, key, cache.Policy{TTL: time.Minute, StaleFor: time.Hour, StaleIfError: 2 * time.Hour}, "old")
				}
				<-time.After(30 * time.Minute)
				ask(t.Context(), c, "a", tc.policy, loads("new")).got(t, "new")
				wantMany(t, c, tc.policy, (&catalogue{}).load, []string{"b"}, map[string]string{"b": "value of b"})
			})
		})
	}
}

func TestAnErrorIsHiddenOnlyByWhatThePolicyOfTheCallerHasForIt(t *testing.T) {
	failure := errors.New("the source is down")
	for _, tc := range []struct {
		name   string
		policy cache.Policy
		want   string // "" for the error
	}{
		{"his policy has no StaleIfError", cache.Policy{}, ""},
		{"his policy has a smaller StaleIfError", cache.Policy{StaleIfError: time.Minute}, ""},
		{"his policy has a StaleFor that is over", cache.Policy{StaleFor: time.Minute}, ""},
		{"his policy has a StaleIfError that is not over", cache.Policy{StaleFor: time.Minute, StaleIfError: time.Hour}, "old"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inMemory(t, nil)
				stored(t, c, "k", cache.Policy{TTL: time.Minute, StaleFor: time.Hour, StaleIfError: 2 * time.Hour}, "old")
				<-time.After(30 * time.Minute)
				a := ask(t.Context(), c, "k", tc.policy, func(context.Context) (string, error) { return "", failure })
				if tc.want == "" {
					a.failed(t, failure)
				} else {
					a.got(t, tc.want)
				}
			})
		})
	}
}
