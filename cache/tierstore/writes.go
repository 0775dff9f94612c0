package tierstore

import (
	"context"
	"iter"
	"time"

	"github.com/larder-go/larder/cache"
)

// write lets write change key in the far store, while nothing is kept near under it.
func (s *Store) write(key string, write func()) {
	s.flights.beginWrite(key, s.drop)
	defer s.flights.endWrite(key)
	write()
}

// writeAll is write for several keys, each of them once.
func (s *Store) writeAll(keys []string, write func()) {
	began := make(map[string]struct{}, len(keys))
	defer func() {
		for key := range began {
			s.flights.endWrite(key)
		}
	}()
	for _, key := range keys {
		if _, twice := began[key]; !twice {
			began[key] = struct{}{}
			s.flights.beginWrite(key, s.drop)
		}
	}
	write()
}

// Set stores value under key.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) (err error) {
	s.write(key, func() { err = s.far.Set(ctx, key, value, ttl) })
	return err
}

// Delete removes the entry under key.
func (s *Store) Delete(ctx context.Context, key string) (err error) {
	s.write(key, func() { err = s.far.Delete(ctx, key) })
	return err
}

// Clear removes every entry whose key has the prefix. While it does, nothing is kept near.
func (s *Store) Clear(ctx context.Context, prefix string) error {
	s.flights.close()
	defer s.flights.open()
	_ = s.near.Clear(context.Background(), prefix) // fails only after Close
	return s.far.Clear(ctx, prefix)
}

// Add stores value under key if there is no entry.
func (s *Store) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (stored bool, err error) {
	s.write(key, func() { stored, err = s.far.Add(ctx, key, value, ttl) })
	return stored, err
}

// Increment adds delta to the number under key.
func (s *Store) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (n int64, err error) {
	s.write(key, func() { n, err = s.far.Increment(ctx, key, delta, ttl) })
	return n, err
}

// CompareAndSwap replaces the value under key if it equals old.
func (s *Store) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (swapped bool, err error) {
	s.write(key, func() { swapped, err = s.far.CompareAndSwap(ctx, key, old, value, ttl) })
	return swapped, err
}

// CompareAndDelete removes the entry under key if its value equals old.
func (s *Store) CompareAndDelete(ctx context.Context, key string, old []byte) (deleted bool, err error) {
	s.write(key, func() { deleted, err = s.far.CompareAndDelete(ctx, key, old) })
	return deleted, err
}

// GetAndRenew returns the value under key and renews the lifetime of the entry.
func (s *Store) GetAndRenew(ctx context.Context, key string, ttl time.Duration) (value []byte, found bool, err error) {
	s.write(key, func() { value, found, err = s.far.GetAndRenew(ctx, key, ttl) })
	return value, found, err
}

// Touch sets the lifetime of the entry under key.
func (s *Store) Touch(ctx context.Context, key string, ttl time.Duration) (found bool, err error) {
	s.write(key, func() { found, err = s.far.Touch(ctx, key, ttl) })
	return found, err
}

// Take takes cost from every limit of key, or from none, by the server's clock.
func (s *Store) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (d cache.Decision, err error) {
	s.write(key, func() { d, err = s.far.Take(ctx, key, limits, cost) })
	return d, err
}

// Keys yields the keys that begin with prefix, as the far store does.
func (s *Store) Keys(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return s.far.Keys(ctx, prefix)
}

// DeleteExpired gives the memory of what has expired near back, and returns 0: the server does the same by itself.
func (s *Store) DeleteExpired(ctx context.Context) (int, error) {
	if _, err := s.near.DeleteExpired(ctx); err != nil {
		return 0, err
	}
	return s.far.DeleteExpired(ctx)
}
