package cachetest

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
)

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func expired() (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.Background(), time.Unix(0, 0))
}

// every calls every method of a store with ctx and gives each its error.
func every(ctx context.Context, s cache.Store, yield func(method string, err error)) {
	_, found, err := s.Get(ctx, "key")
	if found {
		err = errors.Join(err, errors.New("and found is true"))
	}
	yield("Get", err)
	yield("Set", s.Set(ctx, "key", []byte("value"), time.Hour))
	yield("Delete", s.Delete(ctx, "key"))
	found, err = s.Exists(ctx, "key")
	if found {
		err = errors.Join(err, errors.New("and found is true"))
	}
	yield("Exists", err)
	yield("Clear", s.Clear(ctx, ""))
	yield("Ping", s.Ping(ctx))
	if a, ok := s.(cache.Adder); ok {
		stored, err := a.Add(ctx, "key", []byte("value"), time.Hour)
		if stored {
			err = errors.Join(err, errors.New("and stored is true"))
		}
		yield("Add", err)
	}
}

func contextCases() []testCase {
	return []testCase{
		{name: "a context that is done does nothing", rule: "done before: no I/O, its error", run: func(k *kit) {
			s := k.config.New(k.T)
			c := k.over(s)
			k.set(c, "key", "old", cache.DefaultTTL)
			late, cancel := expired()
			defer cancel()
			every(cancelled(), s, func(method string, err error) {
				if !errors.Is(err, context.Canceled) {
					k.fail("%s with a cancelled context: %v; want context.Canceled", method, err)
				}
			})
			every(late, s, func(method string, err error) {
				if !errors.Is(err, context.DeadlineExceeded) {
					k.fail("%s after the deadline: %v; want context.DeadlineExceeded", method, err)
				}
			})
			k.want(c, "key", "old")
		}},
	}
}

func closeCases() []testCase {
	return []testCase{
		{name: "a closed store says so", rule: "Close is idempotent; afterwards every call gives ErrClosed; a done context comes first", run: func(k *kit) {
			s := k.config.New(k.T)
			for range 2 {
				if err := s.Close(); err != nil {
					k.fail("Close: %v", err)
				}
			}
			every(k.ctx(), s, func(method string, err error) {
				if !errors.Is(err, cache.ErrClosed) {
					k.fail("%s after Close: %v; want ErrClosed", method, err)
				}
			})
			every(cancelled(), s, func(method string, err error) {
				if !errors.Is(err, context.Canceled) {
					k.fail("%s after Close with a cancelled context: %v; want context.Canceled", method, err)
				}
			})
		}},
	}
}
