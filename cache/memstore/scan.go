package memstore

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

var _ cache.Scanner = (*Store)(nil)

// Keys yields the keys that begin with prefix. Once the context is done or the store closed no further key comes, but the error.
func (s *Store) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var keys []string
		for i := range s.shards {
			keys = keys[:0]
			err := s.visit(ctx, i, prefix, func(r record, now time.Duration) {
				if r.expires() > now {
					keys = append(keys, string(r.key()))
				}
			})
			for _, key := range keys {
				if err = s.ready(ctx); err != nil {
					break
				}
				if !yield(key, nil) {
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
	var slots []uint32
	for i := range s.shards {
		slots = slots[:0]
		err := s.visit(ctx, i, prefix, func(r record, _ time.Duration) { slots = append(slots, r.slot()) })
		for some := range slices.Chunk(slots, batch) {
			if err == nil {
				err = s.removeAll(ctx, some, prefix)
			}
		}
		if err != nil {
			return opError("clear", prefix, err)
		}
	}
	return nil
}

// visit calls see with the records of a shard whose keys have the prefix, and with the time, while the store is locked.
func (s *Store) visit(ctx context.Context, shard int, prefix string, see func(r record, now time.Duration)) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	now := s.now()
	for ref := range s.shards[shard].table.refs {
		if r := s.arena.at(ref); hasPrefix(r.key(), prefix) {
			see(r, now)
		}
	}
	return nil
}

// removeAll removes the entries in the slots. One that has gone meanwhile may have left its slot to another: that goes too if its key has
// the prefix, as if it had been there from the beginning.
func (s *Store) removeAll(ctx context.Context, slots []uint32, prefix string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, slot := range slots {
		if n, ok := s.order.has(slot); ok && hasPrefix(s.arena.at(n.ref).key(), prefix) {
			s.order.remove(slot)
			s.forget(n)
		}
	}
	return nil
}

func hasPrefix(key []byte, prefix string) bool {
	return len(key) >= len(prefix) && string(key[:len(prefix)]) == prefix
}
