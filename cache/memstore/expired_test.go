package memstore_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/memstore"
)

// While a writer that has looked at the clock is about to renew an entry, its lifetime ends and a reader comes. Whatever the reader says, the writer must agree.
func TestWhatAReaderSawExpiredIsNotRenewed(t *testing.T) {
	for name, renew := range map[string]func(ctx context.Context, s *memstore.Store) bool{
		"Touch": func(ctx context.Context, s *memstore.Store) bool {
			found, err := s.Touch(ctx, "key", time.Hour)
			return found && err == nil
		},
		"GetAndRenew": func(ctx context.Context, s *memstore.Store) bool {
			_, found, err := s.GetAndRenew(ctx, "key", time.Hour)
			return found && err == nil
		},
		"CompareAndSwap": func(ctx context.Context, s *memstore.Store) bool {
			swapped, err := s.CompareAndSwap(ctx, "key", []byte("value"), []byte("value"), time.Hour)
			return swapped && err == nil
		},
	} {
		for reads, read := range map[string]func(ctx context.Context, s *memstore.Store) bool{
			"Get": func(ctx context.Context, s *memstore.Store) bool {
				_, found, err := s.Get(ctx, "key")
				return found && err == nil
			},
			"Exists": func(ctx context.Context, s *memstore.Store) bool {
				found, err := s.Exists(ctx, "key")
				return found && err == nil
			},
			"TTL": func(ctx context.Context, s *memstore.Store) bool {
				_, found, err := s.TTL(ctx, "key")
				return found && err == nil
			},
		} {
			t.Run(name+" and "+reads, func(t *testing.T) {
				var (
					readings  atomic.Int32 // of the clock, once armed
					armed     atomic.Bool
					found     bool
					reader    sync.WaitGroup
					hasLooked = make(chan struct{})
					s         *memstore.Store
				)
				s, err := memstore.NewAt(nil, func() time.Duration {
					switch {
					case !armed.Load():
						return 0
					case readings.Add(1) == 1: // the writer's, just before the expiry
						reader.Go(func() { found = read(t.Context(), s) })
						<-hasLooked
						return time.Second - 1
					case readings.Load() == 2: // the reader's, just after it
						close(hasLooked)
					}
					return time.Second
				})
				if err != nil {
					t.Fatal(err)
				}
				set(t, s, "key", "value", time.Second)
				armed.Store(true)
				renewed := renew(t.Context(), s)
				reader.Wait()
				if !renewed || !found {
					t.Errorf("renewed: %t, found by a reader meanwhile: %t; want both, for the writer was first", renewed, found)
				}
			})
		}
	}
}

func TestWhoFindsAnExpiredEntryRemovesIt(t *testing.T) {
	for name, read := range map[string]func(s *memstore.Store){
		"Get":       func(s *memstore.Store) { _, _, _ = s.Get(t.Context(), "key") },
		"GetAppend": func(s *memstore.Store) { _, _, _ = s.GetAppend(t.Context(), nil, "key") },
		"GetMany":   func(s *memstore.Store) { _, _ = s.GetMany(t.Context(), []string{"key"}) },
		"Exists":    func(s *memstore.Store) { _, _ = s.Exists(t.Context(), "key") },
		"TTL":       func(s *memstore.Store) { _, _, _ = s.TTL(t.Context(), "key") },
	} {
		s, now := openAt(t, nil)
		set(t, s, "earlier", "value", time.Millisecond)
		set(t, s, "key", "value", time.Second)
		*now = time.Second
		read(s)
		if st := stats(t, s); st.Entries != 1 || st.Evictions != 0 {
			t.Errorf("%s: %+v; want the other entry alone, and no evictions", name, st)
		}
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
}
