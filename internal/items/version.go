package items

import (
	"context"
	"encoding/json"
	"io/fs"
	"sync"

	"github.com/larder-go/larder/cache"
)

// version tells one state of a file or directory from all its others.
//
// The files are shared by processes whose caches are not. So what is cached carries the version of what it was made from,
// and one stat, which is far cheaper than opening and decoding, tells whether that is still what is there.
type version struct {
	Modified int64 `json:"modified"` // nanoseconds since 1970
	Size     int64 `json:"size"`     // bytes
}

func versionOf(info fs.FileInfo) version {
	return version{Modified: info.ModTime().UnixNano(), Size: info.Size()}
}

// versioned is what is stored in the cache.
type versioned[T any] struct {
	Version version `json:"version"`
	Value   T       `json:"value"`
}

// recall returns what the cache has under key, if it was made from version v. Everything else is a miss: an older version,
// bytes that mean nothing, a cache that is down. The framework reports the last one, so that handlers need not; up is false then,
// for a handler must not wait a second time for a cache that does not answer.
func recall[T any](ctx context.Context, c *cache.Cache, key string, v version) (value T, found, up bool) {
	data, found, err := c.Get(ctx, key)
	if err != nil || !found {
		return value, false, err == nil
	}
	var entry versioned[T]
	if err := json.Unmarshal(data, &entry); err != nil || entry.Version != v {
		return value, false, true
	}
	return entry.Value, true, true
}

// remember stores value, made from version v, for the cache's default lifetime. A failure costs the next reader a miss.
func remember[T any](ctx context.Context, c *cache.Cache, key string, v version, value T) {
	data, err := json.Marshal(versioned[T]{Version: v, Value: value})
	if err != nil {
		return
	}
	_ = c.Set(ctx, key, data, cache.DefaultTTL)
}

// forget removes the entries. The version makes them misses anyhow, in every process; this is for their room, and what a
// source that has no versions needs. The write has happened, so the entries go though the client has left. They go at once: a
// cache that does not answer is waited for once, not for each of them.
func forget(ctx context.Context, c *cache.Cache, keys ...string) {
	var all sync.WaitGroup
	for _, key := range keys {
		all.Go(func() { _ = c.Delete(context.WithoutCancel(ctx), key) })
	}
	all.Wait()
}
