package redisstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

// What goes to the server at once: more would keep others waiting.
const (
	maxBatchKeys  = 1000
	maxBatchBytes = 1 << 20
)

// GetMany returns the entries that are there under the keys.
func (s *Store) GetMany(ctx context.Context, keys []string) (map[string][]byte, error) {
	op, err := s.beginMany(ctx, "get many", len(keys))
	if err != nil {
		return nil, err
	}
	items := make(map[string][]byte, len(keys))
	for chunk := range slices.Chunk(keys, maxBatchKeys) {
		if err := s.getChunk(op, chunk, items); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (s *Store) getChunk(op operation, keys []string, items map[string][]byte) error {
	keys, err := s.settleToRead(op, keys)
	if err != nil || len(keys) == 0 {
		return err
	}
	if op, err = s.next(op); err != nil {
		return err
	}
	values, err := s.getAll(op.ctx, s.full(keys))
	if err != nil {
		return s.fail(op, err)
	}
	for i, value := range values {
		if text, found := value.(string); found {
			items[keys[i]] = []byte(text)
		}
	}
	return nil
}

// SetMany stores every value under its key.
func (s *Store) SetMany(ctx context.Context, items map[string][]byte, ttl time.Duration) error {
	op, err := s.beginMany(ctx, "set many", len(items))
	if err != nil {
		return err
	}
	var refused error
	keys := make([]string, 0, len(items))
	for key, value := range items {
		if err := checkValue(value); err != nil {
			refused = fmt.Errorf("%.64q: %w", key, err)
			continue
		}
		keys = append(keys, key)
	}
	for len(keys) > 0 {
		n := chunkOf(keys, items)
		if err := s.setChunk(op, keys[:n], items, ttl); err != nil {
			s.failed.noteKeys(keys[n:], false)
			return err
		}
		keys = keys[n:]
	}
	return s.fail(op, refused)
}

// chunkOf returns how many of the keys go at once: as many as the values allow, and one at least.
func chunkOf(keys []string, items map[string][]byte) int {
	n, size := 0, 0
	for n < min(len(keys), maxBatchKeys) {
		if size += len(items[keys[n]]); n > 0 && size > maxBatchBytes {
			break
		}
		n++
	}
	return n
}

func (s *Store) setChunk(op operation, keys []string, items map[string][]byte, ttl time.Duration) error {
	err := s.settleToWrite(op, keys, s.settleToStore)
	if err == nil {
		op, err = s.next(op)
	}
	if err != nil {
		s.failed.noteKeys(keys, false)
		return err
	}
	unstored, err := s.setAtOnce(op.ctx, keys, items, ttl)
	s.failed.noteKeys(unstored, true)
	return s.fail(op, err)
}

// setAtOnce returns the keys whose SET was not confirmed.
func (s *Store) setAtOnce(ctx context.Context, keys []string, items map[string][]byte, ttl time.Duration) (unstored []string, err error) {
	var options []any
	if ttl != cache.Forever {
		options = []any{"px", milliseconds(ttl)}
	}
	full, sets := s.full(keys), make([]redis.Cmder, len(keys))
	for i, key := range keys {
		sets[i] = newSet(ctx, full[i], items[key], options...)
	}
	err = s.processAll(ctx, full, sets)
	for i, c := range sets {
		// The error of a connection that broke is put on all of them; the answers that came before stay.
		if c.(statusCmd).Val() != "OK" {
			unstored = append(unstored, keys[i])
		}
	}
	return unstored, err
}

// DeleteMany removes the entries under the keys.
func (s *Store) DeleteMany(ctx context.Context, keys []string) error {
	op, err := s.beginMany(ctx, "delete many", len(keys))
	if err != nil {
		return err
	}
	for len(keys) > 0 {
		n := min(len(keys), maxBatchKeys)
		if err := s.deleteChunk(op, keys[:n]); err != nil {
			s.failed.noteKeys(keys[n:], false)
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (s *Store) deleteChunk(op operation, keys []string) error {
	err := s.settleToWrite(op, keys, s.settle)
	if err == nil {
		op, err = s.next(op)
	}
	if err != nil {
		s.failed.noteKeys(keys, false)
		return err
	}
	if err := s.unlink(op.ctx, s.full(keys)...); err != nil {
		s.failed.noteKeys(keys, true)
		return s.fail(op, err)
	}
	return nil
}

// full returns the keys as the servers have them.
func (s *Store) full(keys []string) []string {
	full := make([]string, len(keys))
	for i, key := range keys {
		full[i] = s.prefix + key
	}
	return full
}

func (s *Store) beginMany(ctx context.Context, name string, keys int) (operation, error) {
	return s.next(operation{name: name, keys: keys, parent: ctx})
}
