package items

import (
	"context"
	"encoding/json"
	"io/fs"

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
// bytes that mean nothing, a cache that is down. The framework reports the last one, so that handlers need not.
func recall[T any](ctx context.Context, c *cache.Cache, key string, v version) (value T, found bool) {
	data, found, err := c.Get(ctx, key)
	if err != nil || !found {
		return value, false
	}
	var entry versioned[T]
	if err := json.Unmarshal(data, &entry); err != nil || entry.Version != v {
		return value, false
	}
	return entry.Value, true
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
// source that has no versions needs. The write has happened, so the entries go though the client has left.
func forget(ctx context.Context, c *cache.Cache, keys ...string) {
	for _, key := range keys {
		_ = c.Delete(context.WithoutCancel(ctx), key)
	}
}
