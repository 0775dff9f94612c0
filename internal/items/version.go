package items

import (
	"context"
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

// through returns what the cache has under key, if it was made from version v and is enough, or else what load returns, for the next. An entry of another
// version, or bytes that are none, are replaced. A cache that is down is nobody's problem here: the framework reports it.
func through[T any](ctx context.Context, c *cache.Cache, key string, v version, enough func(T) bool, load func(context.Context) (T, error)) (T, error) {
	for range 2 {
		entry, err := cache.GetOrLoad(ctx, c, key, cache.Policy{}, func(ctx context.Context) (versioned[T], error) {
			value, err := load(ctx)
			return versioned[T]{Version: v, Value: value}, err
		})
		if err != nil || entry.Version == v && enough(entry.Value) {
			return entry.Value, err
		}
		_ = c.Delete(ctx, key) // if that fails it is a miss all the same
	}
	return load(ctx) // others keep replacing it
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
