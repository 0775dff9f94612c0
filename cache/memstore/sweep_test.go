package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
)

func TestDeleteExpiredRemovesWhatHasExpiredAndNothingElse(t *testing.T) {
	for _, n := range []int{0, 1, memstore.Batch - 1, memstore.Batch, memstore.Batch + 1, many} {
		s, now := openAt(t, nil)
		fill(t, s, "expired", n, time.Second)
		fill(t, s, "kept", 10, time.Second+1)
		fill(t, s, "permanent", 10, cache.Forever)
		*now = time.Second
		for _, want := range []int{n, 0} {
			if got, err := s.DeleteExpired(t.Context()); err != nil || got != want {
				t.Errorf("DeleteExpired of %d = %d, %v; want %d", n, got, err, want)
			}
		}
		if st := stats(t, s); st.Entries != 20 || st.Evictions != 0 {
			t.Errorf("%+v; want 20 entries, no evictions", st)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestDeleteExpiredLeavesWhatExpiresMeanwhile(t *testing.T) {
	s, now := openAt(t, nil)
	fill(t, s, "expired", memstore.Batch+10, time.Second)
	fill(t, s, "later", many, time.Minute)
	*now = time.Second
	n, err := s.DeleteExpired(whenAsked(t.Context(), func(int) { *now = time.Hour }))
	if err != nil || n != memstore.Batch+10 {
		t.Errorf("DeleteExpired = %d, %v; want %d", n, err, memstore.Batch+10)
	}
}

func TestDeleteExpiredTellsWhatItRemovedBesideAnError(t *testing.T) {
	s, now := openAt(t, nil)
	fill(t, s, "expired", many, time.Second)
	*now = time.Second
	ctx, cancel := context.WithCancel(t.Context())
	n, err := s.DeleteExpired(whenAsked(ctx, func(n int) {
		if n == 3 {
			cancel()
		}
	}))
	if left := stats(t, s).Entries; !errors.Is(err, context.Canceled) || n != 2*memstore.Batch || left != many-2*memstore.Batch {
		t.Errorf("DeleteExpired = %d, %v, and %d are left; want %d, context.Canceled, %d", n, err, left, 2*memstore.Batch, many-2*memstore.Batch)
	}
}

func TestEveryNewKeyGivesMemoryBack(t *testing.T) {
	ctx := t.Context()
	for name, write := range map[string]func(s *memstore.Store){
		"Set":       func(s *memstore.Store) { _ = s.Set(ctx, "key", nil, time.Hour) },
		"Add":       func(s *memstore.Store) { _, _ = s.Add(ctx, "key", nil, time.Hour) },
		"Increment": func(s *memstore.Store) { _, _ = s.Increment(ctx, "key", 1, time.Hour) },
		"SetMany":   func(s *memstore.Store) { _ = s.SetMany(ctx, map[string][]byte{"key": nil}, time.Hour) },
		"Take":      func(s *memstore.Store) { _, _ = s.Take(ctx, "key", []cache.Limit{{Requests: 1, Period: 1000}}, 1) },
	} {
		s, now := openAt(t, nil)
		fill(t, s, "expired", 10, time.Second)
		*now = time.Second
		write(s)
		if after := stats(t, s).Entries; after != 10+1-1 {
			t.Errorf("%s left %d entries of 10; want one fewer, and its own", name, after)
		}
	}
}

func TestSetManyGivesMemoryBackForEachKey(t *testing.T) {
	s, now := openAt(t, nil)
	fill(t, s, "expired", 200, time.Second)
	*now = time.Second
	items := map[string][]byte{}
	for i := range 100 {
		items[fmt.Sprint(i)] = nil
	}
	if err := s.SetMany(t.Context(), items, time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := stats(t, s).Entries; n != 200 {
		t.Errorf("%d entries after 100 more; want 200, of which 100 have expired", n)
	}
}
