package filestore

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

// maxRunning is how many operations wait for the file system at once. Each takes a thread of the system while it does, of which a process has 10,000: a disk
// that hangs must not take them all.
const maxRunning = 64

// result is what an operation on the files came to.
type result[T any] struct {
	value T
	err   error
}

// run does f in a goroutine of its own, bounded by the store's timeout and by ctx. A system call cannot be called off: where the file system hangs, f is left
// behind, and so it must use nothing that is the caller's. It gets a context that is done then.
func run[T any](ctx context.Context, s *Store, f func(ctx context.Context) (T, error)) (T, error) {
	var none T
	if err := s.begin(ctx); err != nil {
		return none, err
	}
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	select {
	case s.running <- struct{}{}:
	case <-within.Done():
		return none, s.late(ctx)
	}
	if !s.join() {
		<-s.running
		return none, cache.ErrClosed
	}
	done := make(chan result[T], 1)
	go func() {
		defer s.leave()
		defer func() { <-s.running }()
		value, err := f(within)
		done <- result[T]{value, err}
	}()
	select {
	case r := <-done:
		if within.Err() != nil && r.err == within.Err() { //nolint:errorlint // f's own look at the context
			return none, s.late(ctx)
		}
		return r.value, r.err
	case <-within.Done():
		return none, s.late(ctx)
	}
}

// do is run for what has no result.
func do(ctx context.Context, s *Store, f func(ctx context.Context) error) error {
	_, err := run(ctx, s, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

// begin tells why no operation may begin.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return cache.ErrClosed
	}
	return nil
}

// late is the error of an operation that was not done in time, or whose caller did not want to wait any longer.
func (s *Store) late(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: the files did not answer within %v; another process may hold the lock", cache.ErrUnavailable, s.timeout)
}

// join counts the caller among what Close waits for, unless the store was closed.
func (s *Store) join() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return false
	}
	s.users.Add(1)
	return true
}

func (s *Store) leave() { s.users.Done() }

// clock is the wall clock, which the processes of a directory share, in Unix nanoseconds.
func clock() int64 { return time.Now().UnixNano() }
