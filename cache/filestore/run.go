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
//
// An f that changes files in a shard names it: of these there is one at a time in this process, and f begins when its turn has come. It locks the shard against other
// processes by itself.
func run[T any](ctx context.Context, s *Store, sh *shard, f func(ctx context.Context) (T, error)) (T, error) {
	var none T
	if err := s.begin(ctx); err != nil {
		return none, err
	}
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.admit(within, sh); err != nil {
		return none, s.because(ctx, within, err)
	}
	done := make(chan result[T], 1)
	go func() {
		defer s.dismiss(sh)
		value, err := f(within)
		done <- result[T]{value, err}
	}()
	select {
	case r := <-done:
		return r.value, s.because(ctx, within, r.err)
	case <-within.Done():
		return none, s.late(ctx)
	}
}

// admit waits for the turn of an operation, then for a place among those that are running, in this order: those who wait for their turn take no place.
func (s *Store) admit(ctx context.Context, sh *shard) error {
	if sh != nil {
		if err := sh.wait(ctx); err != nil {
			return err
		}
	}
	err := s.enter(ctx)
	if err != nil && sh != nil {
		sh.pass()
	}
	return err
}

func (s *Store) enter(ctx context.Context) error {
	select {
	case s.running <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !s.join() {
		<-s.running
		return cache.ErrClosed
	}
	return nil
}

// dismiss ends what admit began.
func (s *Store) dismiss(sh *shard) {
	if sh != nil {
		sh.pass()
	}
	<-s.running
	s.users.Done()
}

// because is err, or that there was no time where err is the context's.
func (s *Store) because(ctx, within context.Context, err error) error {
	if err != nil && err == within.Err() { //nolint:errorlint // what an operation's own look at the context gave
		return s.late(ctx)
	}
	return err
}

// do is run for what has no result.
func do(ctx context.Context, s *Store, sh *shard, f func(ctx context.Context) error) error {
	_, err := run(ctx, s, sh, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
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

// clock is the wall clock, which the processes of a directory share, in Unix nanoseconds.
func clock() int64 { return time.Now().UnixNano() }
