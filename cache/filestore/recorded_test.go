package filestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// recorded is a store whose calls are recorded, and what was asked of it.
type recorded struct {
	t        *testing.T
	sync     Sync
	root     string
	store    *Store
	recorder *recorder
	done     []operation
	now      map[string]state
	values   int
}

// operation is a call of a store, between two positions of the log. Each of the entries that it is about is in the state that it leaves when it has returned nil.
type operation struct {
	name            string
	began, returned int
	leaves          map[string]state
}

// state is what there is under a key. The zero value is nothing.
type state struct {
	found   bool
	value   string
	expires int64
}

func openRecorded(t *testing.T, base, root string, sync Sync) *recorded {
	t.Helper()
	w := &recorded{t: t, sync: sync, root: root, recorder: newRecorder(base, root), now: make(map[string]state)}
	w.reopen()
	return w
}

// reopen opens another store on the directory.
func (w *recorded) reopen() {
	w.t.Helper()
	s, err := openWith(w.recorder.system(), filepath.Join(w.recorder.base, w.root), Patient(&Options{Sync: w.sync}))
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = s
}

func (w *recorded) close() { _ = w.store.Close() }

func (w *recorded) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// call notes what f does. After an error it is not known whether it did.
func (w *recorded) call(name string, leaves map[string]state, f func(ctx context.Context) error) error {
	o := operation{name: name, began: w.recorder.position(), leaves: leaves}
	err := f(w.t.Context())
	o.returned = w.recorder.position()
	if err != nil {
		return err
	}
	for key, s := range leaves {
		w.now[key] = s
	}
	w.done = append(w.done, o)
	return nil
}

// stored is the state of an entry that is stored now. One with a lifetime of a nanosecond is gone when anybody looks.
func stored(value []byte, ttl time.Duration) state {
	if ttl == 1 {
		return state{}
	}
	return state{true, string(value), expiry(clock(), ttl)}
}

func (w *recorded) set(key string, size int, ttl time.Duration) error {
	value := w.value(size)
	return w.call("Set "+key, map[string]state{key: stored(value, ttl)}, func(ctx context.Context) error {
		return w.store.Set(ctx, key, value, ttl)
	})
}

func (w *recorded) setMany(size int, keys ...string) error {
	items, leaves := make(map[string][]byte), make(map[string]state)
	for _, key := range keys {
		items[key] = w.value(size)
		leaves[key] = stored(items[key], cache.Forever)
	}
	return w.call(fmt.Sprint("SetMany ", keys), leaves, func(ctx context.Context) error {
		return w.store.SetMany(ctx, items, cache.Forever)
	})
}

func (w *recorded) add(key string, size int, ttl time.Duration) error {
	value, leaves := w.value(size), w.now[key]
	if !leaves.found {
		leaves = stored(value, ttl)
	}
	return w.call("Add "+key, map[string]state{key: leaves}, func(ctx context.Context) error {
		_, err := w.store.Add(ctx, key, value, ttl)
		return err
	})
}

func (w *recorded) increment(key string, delta int64, ttl time.Duration) error {
	leaves := w.now[key]
	if !leaves.found {
		leaves = stored([]byte("0"), ttl)
	}
	n, _ := strconv.ParseInt(leaves.value, 10, 64)
	leaves.value = strconv.FormatInt(n+delta, 10)
	return w.call("Increment "+key, map[string]state{key: leaves}, func(ctx context.Context) error {
		_, err := w.store.Increment(ctx, key, delta, ttl)
		return err
	})
}

// swap replaces the value, and leaves the lifetime.
func (w *recorded) swap(key string, size int) error {
	leaves, value := w.now[key], w.value(size)
	old := []byte(leaves.value)
	leaves.value = string(value)
	return w.call("CompareAndSwap "+key, map[string]state{key: leaves}, func(ctx context.Context) error {
		swapped, err := w.store.CompareAndSwap(ctx, key, old, value, cache.KeepTTL)
		return done(swapped, err)
	})
}

func (w *recorded) touch(key string, ttl time.Duration) error {
	leaves := w.now[key]
	leaves.expires = expiry(clock(), ttl)
	return w.call("Touch "+key, map[string]state{key: leaves}, func(ctx context.Context) error {
		found, err := w.store.Touch(ctx, key, ttl)
		return done(found, err)
	})
}

func (w *recorded) renew(key string, ttl time.Duration) error {
	leaves := w.now[key]
	leaves.expires = expiry(clock(), ttl)
	return w.call("GetAndRenew "+key, map[string]state{key: leaves}, func(ctx context.Context) error {
		value, found, err := w.store.GetAndRenew(ctx, key, ttl)
		return done(found && bytes.Equal(value, []byte(leaves.value)), err)
	})
}

func (w *recorded) delete(key string) error {
	return w.call("Delete "+key, map[string]state{key: {}}, func(ctx context.Context) error { return w.store.Delete(ctx, key) })
}

func (w *recorded) deleteMany(keys ...string) error {
	leaves := make(map[string]state)
	for _, key := range keys {
		leaves[key] = state{}
	}
	return w.call(fmt.Sprint("DeleteMany ", keys), leaves, func(ctx context.Context) error { return w.store.DeleteMany(ctx, keys) })
}

func (w *recorded) compareAndDelete(key string) error {
	old := []byte(w.now[key].value)
	return w.call("CompareAndDelete "+key, map[string]state{key: {}}, func(ctx context.Context) error {
		deleted, err := w.store.CompareAndDelete(ctx, key, old)
		return done(deleted, err)
	})
}

func (w *recorded) clear(prefix string) error {
	leaves := make(map[string]state)
	for key := range w.now {
		if strings.HasPrefix(key, prefix) {
			leaves[key] = state{}
		}
	}
	return w.call("Clear "+prefix, leaves, func(ctx context.Context) error { return w.store.Clear(ctx, prefix) })
}

func (w *recorded) deleteExpired() error {
	return w.call("DeleteExpired", nil, func(ctx context.Context) error {
		n, err := w.store.DeleteExpired(ctx)
		return done(n > 0, err)
	})
}

// done is an error where a call was meant to do something and did not.
func done(ok bool, err error) error {
	if err == nil && !ok {
		return errors.New("it did nothing")
	}
	return err
}
