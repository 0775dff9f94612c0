package memstore

import (
	"context"
	"hash/maphash"
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
	defer s.callJanitor()
	var found []slotOf
	for i := range s.shards {
		found = found[:0]
		err := s.visit(ctx, i, prefix, func(r record, _ time.Duration) {
			found = append(found, slotOf{r.slot(), maphash.Bytes(s.seed, r.key())})
		})
		for some := range slices.Chunk(found, batch) {
			if err == nil {
				err = s.removeAll(ctx, some)
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
	for ref := range s.shards[shard].table.Load().refs {
		if r := s.arena.at(ref); hasPrefix(r.key(), prefix) {
			see(r, now)
		}
	}
	return nil
}

// A slotOf is where the entry of a key was, the key by its hash.
type slotOf struct {
	slot uint32
	hash uint64
}

// removeAll removes the entries in the slots, but for a slot that another key has got meanwhile: that key's turn may have been, and one
// Clear removes a key once. The same key set anew goes, as if it had been there from the beginning.
func (s *Store) removeAll(ctx context.Context, slots []slotOf) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, of := range slots {
		if n, ok := s.order.has(of.slot); ok && maphash.Bytes(s.seed, s.arena.at(n.ref).key()) == of.hash {
			s.order.remove(of.slot)
			s.leave(n)
		}
	}
	s.unlink()
	s.reclaim()
	return nil
}

func hasPrefix(key []byte, prefix string) bool {
	return len(key) >= len(prefix) && string(key[:len(prefix)]) == prefix
}
