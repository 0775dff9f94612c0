package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
)

// redisDead measures operations on a server that nobody has started, once the breaker has opened.
func redisDead(ctx context.Context, b *bench) ([]result, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	store, err := redisstore.Open(ctx, "redis://127.0.0.1:"+port, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	key, value := entryKey(0), entryValue(128)
	refused := func(err error) error {
		if !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), "the breaker is open") {
			return fmt.Errorf("%w; want what an open breaker says", err)
		}
		return nil
	}
	for end := time.Now().Add(redisTimeout); ; {
		_, _, err := store.Get(ctx, key)
		if refused(err) == nil {
			break
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("the breaker did not open: %w", err)
		}
	}
	b.logf("a server that is dead")
	s := b.scale
	s.goroutines = 1
	var results []result
	for _, operation := range []contender{
		{"Get", func(ctx context.Context, _, _ int) error {
			_, _, err := store.Get(ctx, key)
			return refused(err)
		}},
		{"Set", func(ctx context.Context, _, _ int) error { return refused(store.Set(ctx, key, value, lifetime)) }},
	} {
		f, err := s.race(ctx, operation)
		if err != nil {
			return nil, err
		}
		each := series{name: operation.name}
		for _, calls := range f[0].calls.values {
			each.add(1e9 / calls)
		}
		results = append(results, result{
			what: "an operation on a dead server, one goroutine", measured: each, unit: microNano, target: target{valueAtMost, 10_000},
		})
	}
	return results, nil
}
