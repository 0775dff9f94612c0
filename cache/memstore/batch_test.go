package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

// many is more than two batches.
const many = 2*memstore.Batch + 100

func manyItems() (items map[string][]byte, keys []string) {
	items = map[string][]byte{}
	for i := range many {
		keys = append(keys, fmt.Sprint("key", i))
		items[keys[i]] = fmt.Append(nil, "value", i)
	}
	return items, keys
}

func TestABatchIsAsManySingleOperations(t *testing.T) {
	s, now := openAt(t, nil)
	items, keys := manyItems()
	if err := s.SetMany(t.Context(), items, time.Minute); err != nil {
		t.Fatal(err)
	}
	set(t, s, "empty", "", time.Minute)
	got, err := s.GetMany(t.Context(), append([]string{"absent", "empty", "key7"}, keys...)) // key7 twice
	if err != nil || len(got) != many+1 || got["empty"] == nil {
		t.Errorf("GetMany = %d entries, %v, empty %v; want %d", len(got), err, got["empty"], many+1)
	}
	for key, value := range items {
		if string(got[key]) != string(value) {
			t.Errorf("%q is %q; want %q", key, got[key], value)
		}
	}
	if err := s.DeleteMany(t.Context(), append([]string{"absent"}, keys[1:]...)); err != nil {
		t.Error(err)
	}
	if st := stats(t, s); st.Entries != 2 {
		t.Errorf("%d entries after DeleteMany; want 2", st.Entries)
	}
	want(t, s, keys[0], "value0")
	*now = time.Minute
	if got, err := s.GetMany(t.Context(), keys); err != nil || got == nil || len(got) > 0 {
		t.Errorf("GetMany of expired and absent keys = %v, %v; want an empty map", got, err)
	}
}

func TestBatchesShareNoMemoryWithTheCaller(t *testing.T) {
	s := open(t, nil)
	value := []byte("value")
	if err := s.SetMany(t.Context(), map[string][]byte{"key": value, "nil": nil}, time.Hour); err != nil {
		t.Fatal(err)
	}
	copy(value, "XXXXX")
	want(t, s, "key", "value")
	got, _ := s.GetMany(t.Context(), []string{"key", "nil"})
	copy(got["key"], "YYYYY")
	want(t, s, "key", "value")
	if err := s.Check(); err != nil || got["nil"] == nil {
		t.Errorf("a nil value came back %v; %v", got["nil"], err)
	}
}

func TestSetManyStoresTheOthersBesideOneThatIsRefused(t *testing.T) {
	items, keys := manyItems()
	items["large"] = make([]byte, 10_000_000)
	for range 20 { // whatever batch of it is the one
		s := open(t, &memstore.Options{MaxBytes: 10_000_000})
		err := s.SetMany(t.Context(), items, time.Hour)
		if op, ok := errors.AsType[*cache.OpError](err); !ok || !errors.Is(err, cache.ErrTooLarge) || op.Op != "set many" || op.Keys != many+1 {
			t.Fatalf("SetMany = %v; want ErrTooLarge, of %d keys", err, many+1)
		}
		if got, _ := s.GetMany(t.Context(), keys); len(got) != many {
			t.Fatalf("%d of the %d others were stored", len(got), many)
		}
	}
}

func TestTheErrorOfSetManyIsThatOfTheFirstRefused(t *testing.T) {
	s := open(t, &memstore.Options{MaxBytes: 200})
	for range 20 {
		err := s.SetMany(t.Context(), map[string][]byte{"a": make([]byte, 300), "b": make([]byte, 301), "c": nil}, time.Hour)
		if n := strings.Count(err.Error(), "value too large"); n != 1 || !strings.HasPrefix(err.Error(), "cache: set many of 3 keys: value too large") {
			t.Errorf("%v; want one refusal", err)
		}
		want(t, s, "c", "")
	}
}

func TestSetManyOfMoreThanTheStoreHoldsKeepsTheLimit(t *testing.T) {
	s := open(t, &memstore.Options{MaxEntries: 10})
	items, _ := manyItems()
	if err := s.SetMany(t.Context(), items, time.Hour); err != nil {
		t.Error(err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	if st := stats(t, s); st.Entries != 10 || st.Evictions != many-10 {
		t.Errorf("%+v; want 10 entries, %d evictions", st, many-10)
	}
}

func TestOthersGoOnBetweenBatches(t *testing.T) {
	items, keys := manyItems()
	for name, run := range map[string]func(context.Context, *memstore.Store) error{
		"get many":    func(ctx context.Context, s *memstore.Store) error { _, err := s.GetMany(ctx, keys); return err },
		"set many":    func(ctx context.Context, s *memstore.Store) error { return s.SetMany(ctx, items, time.Hour) },
		"delete many": func(ctx context.Context, s *memstore.Store) error { return s.DeleteMany(ctx, keys) },
		"clear":       func(ctx context.Context, s *memstore.Store) error { return s.Clear(ctx, "key") },
		"keys": func(ctx context.Context, s *memstore.Store) error {
			for key, err := range s.Keys(ctx, "key") {
				if err != nil && key != "" {
					t.Errorf("the key %q beside an error", key)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
		"delete expired": func(ctx context.Context, s *memstore.Store) error { _, err := s.DeleteExpired(ctx); return err },
	} {
		filled := func(t *testing.T) *memstore.Store {
			s, now := openAt(t, nil)
			ttl := time.Hour
			if name == "delete expired" {
				ttl = time.Second
			}
			if err := s.SetMany(t.Context(), items, ttl); err != nil {
				t.Fatal(err)
			}
			*now = time.Minute
			return s
		}
		t.Run(name, func(t *testing.T) {
			s := filled(t)
			last := 0
			if err := run(whenAsked(t.Context(), func(n int) {
				last = n
				set(t, s, "other", fmt.Sprint(n), time.Hour) // would never return, were the store locked
			}), s); err != nil {
				t.Error(err)
			}
			if last < 3 {
				t.Errorf("the context was asked %d times for %d keys; want at least 3", last, many)
			}
		})
		t.Run(name+" ends when the context does", func(t *testing.T) {
			s := filled(t)
			ctx, cancel := context.WithCancel(t.Context())
			err := run(whenAsked(ctx, func(n int) {
				if n == 3 {
					cancel()
				}
			}), s)
			wantOp(t, err, name, context.Canceled)
			if n := stats(t, s).Entries; name == "delete many" && (n == 0 || n == many) {
				t.Errorf("%d entries; want some removed, some not", n)
			}
		})
		t.Run(name+" ends when the store is closed", func(t *testing.T) {
			s := filled(t)
			err := run(whenAsked(t.Context(), func(n int) {
				if n == 3 {
					_ = s.Close()
				}
			}), s)
			wantOp(t, err, name, cache.ErrClosed)
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}
