package memstore

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

var _ cache.Scanner = (*Store)(nil)

// Keys yields the keys that begin with prefix. Once the context is done or the store closed no further key comes, but the error.
func (s *Store) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		wanted := func(e *entry, now time.Duration) bool { return strings.HasPrefix(e.key, prefix) && !e.expired(now) }
		for some, err := range s.batches(ctx, wanted) {
			for _, e := range some {
				if err = s.ready(ctx); err != nil {
					break
				}
				if !yield(e.key, nil) {
					return
				}
			}
			if err != nil {
				yield("", opError("keys", prefix, err))
				return
			}
		}
	}
}

// Clear removes every entry whose key has the prefix. Others go on between its batches.
func (s *Store) Clear(ctx context.Context, prefix string) error {
	wanted := func(e *entry, _ time.Duration) bool { return strings.HasPrefix(e.key, prefix) }
	for some, err := range s.batches(ctx, wanted) {
		if err == nil {
			err = s.removeAll(some)
		}
		if err != nil {
			return opError("clear", prefix, err)
		}
	}
	return nil
}

func (s *Store) removeAll(entries []*entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries == nil {
		return cache.ErrClosed
	}
	for _, e := range entries {
		if e.place >= 0 { // nobody was faster
			s.remove(e)
		}
	}
	return nil
}

// batches yields the wanted entries, some at a time. Nothing is locked while the loop's body runs: an entry may have gone or be another by then, but
// for its key. Every entry that is there from the beginning to the end comes once. An error comes last and alone.
func (s *Store) batches(ctx context.Context, wanted func(e *entry, now time.Duration) bool) iter.Seq2[[]*entry, error] {
	return func(yield func([]*entry, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return
		}
		var some []*entry
		seen := 0
		s.mu.RLock() // without a deferred unlock, which a body that panics would find unlocked
		now := s.now()
		// A range over a map yields every entry that was there at its start and has not been removed, whatever is stored
		// meanwhile (Go specification, "For statements with range clause"); so the lock may change hands within it.
		for _, e := range s.entries {
			if wanted(e, now) {
				some = append(some, e)
			}
			if seen++; seen%batch != 0 {
				continue
			}
			s.mu.RUnlock()
			if !yield(some, nil) {
				return
			}
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			some = some[:0]
			s.mu.RLock()
			if s.entries == nil {
				break
			}
			now = s.now()
		}
		closed := s.entries == nil
		s.mu.RUnlock()
		if closed {
			yield(nil, cache.ErrClosed)
			return
		}
		yield(some, nil)
	}
}
