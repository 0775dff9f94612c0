package cachetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// kit is what a case works with. Its failures carry the rule that the case checks.
type kit struct {
	*testing.T
	config Config
	rule   string
}

func (k *kit) fail(format string, args ...any) {
	k.Helper()
	k.Errorf("%s\n\tthe rule: %s", fmt.Sprintf(format, args...), k.rule)
}

// ctx bounds a case, so that a store which hangs fails it.
func (k *kit) ctx() context.Context {
	ctx, cancel := context.WithTimeout(k.Context(), 30*time.Second)
	k.Cleanup(cancel)
	return ctx
}

// open returns a cache over a new store and closes it when the case ends.
func (k *kit) open() *cache.Cache {
	k.Helper()
	return k.over(k.config.New(k.T))
}

func (k *kit) over(s cache.Store) *cache.Cache {
	k.Helper()
	c, err := cache.New(s, nil)
	if err != nil {
		k.Fatalf("cache.New: %v", err)
	}
	k.Cleanup(func() {
		if err := c.Close(); err != nil {
			k.Errorf("Close: %v", err)
		}
	})
	return c
}

func (k *kit) set(c *cache.Cache, key, value string, ttl time.Duration) {
	k.Helper()
	if err := c.Set(k.ctx(), key, []byte(value), ttl); err != nil {
		k.Fatalf("Set(%.40q, %q, %v): %v", key, value, ttl, err)
	}
}

// want checks that Get and Exists find value under key.
func (k *kit) want(c *cache.Cache, key, value string) {
	k.Helper()
	got, found, err := c.Get(k.ctx(), key)
	switch {
	case err != nil:
		k.fail("Get(%.40q): %v; want %.40q", key, err, value)
	case !found:
		k.fail("Get(%.40q): not found; want %.40q", key, value)
	case got == nil:
		k.fail("Get(%.40q): found, and the value is nil; want %.40q", key, value)
	case !bytes.Equal(got, []byte(value)):
		k.fail("Get(%.40q) = %.40q; want %.40q", key, got, value)
	}
	if ok, err := c.Exists(k.ctx(), key); err != nil || !ok {
		k.fail("Exists(%.40q) = %t, %v; want true", key, ok, err)
	}
}

// wantMiss checks that Get and Exists find nothing under key.
func (k *kit) wantMiss(c *cache.Cache, key string) {
	k.Helper()
	if got, found, err := c.Get(k.ctx(), key); err != nil || found || got != nil {
		k.fail("Get(%.40q) = %.40q, %t, %v; want nil, false, nil", key, got, found, err)
	}
	if ok, err := c.Exists(k.ctx(), key); err != nil || ok {
		k.fail("Exists(%.40q) = %t, %v; want false", key, ok, err)
	}
}

// brief is a lifetime that Advance can wait for.
const brief = 40 * time.Millisecond

// outlive waits until a brief lifetime is over on any backend: one that counts in milliseconds rounds up.
func (k *kit) outlive() { k.config.Advance(brief + 5*time.Millisecond) }
