package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache/redisstore"
)

// redisClear compares how long another client's reads take while a Clear runs with how long they take just before it. Each round is
// one Clear, on a server that also holds many entries of others, which Clear has to pass over.
func redisClear(ctx context.Context, b *bench) (results []result, err error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	prefix, foreign := server.prefix("clear"), server.prefix("foreign")
	b.logf("writing %s entries", group(float64(b.scale.foreign)))
	if err := server.populate(ctx, foreign, b.scale.foreign, entryValue(64), 0); err != nil {
		return nil, err
	}
	store, err := server.store(prefix)
	if err != nil {
		return nil, err
	}
	for _, readers := range []int{1, b.scale.goroutines} {
		more, err := redisClearBeside(ctx, b, store, prefix, assignment{URL: server.url, Prefix: foreign, Keys: b.scale.foreign, Readers: readers})
		if err != nil {
			return nil, err
		}
		results = append(results, more...)
	}
	return results, nil
}

// redisClearBeside is redisClear with one reader.
func redisClearBeside(ctx context.Context, b *bench, store *redisstore.Store, prefix string, a assignment) (results []result, err error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	other, err := startReader(ctx, a)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, other.stop()) }()

	var rest, beside, during []summary
	var durations []float64
	// The first one counts for nothing: the server's table grows once, which takes it some time.
	for round := range 1 + b.scale.clears {
		if err := server.populate(ctx, prefix, b.scale.own, entryValue(64), lifetime); err != nil {
			return nil, err
		}
		c, err := server.clearing(ctx, b.scale.lap, store, other)
		if err != nil {
			return nil, err
		}
		b.logf("Clear took %v; reads at rest, beside a client that pings, beside Clear: median %s, %s, %s; 99th percentile %s, %s, %s",
			c.took.Round(time.Millisecond), microseconds(c.rest.Median), microseconds(c.beside.Median), microseconds(c.during.Median),
			microseconds(c.rest.P99), microseconds(c.beside.P99), microseconds(c.during.P99))
		if err := server.cleared(ctx, prefix, a.Prefix); err != nil {
			return nil, err
		}
		if round > 0 {
			rest, beside, during = append(rest, c.rest), append(beside, c.beside), append(during, c.during)
			durations = append(durations, c.took.Seconds())
		}
	}
	reader := "another client's GET"
	if a.Readers > 1 {
		reader = fmt.Sprintf("another client's GET, %d goroutines", a.Readers)
	}
	what := fmt.Sprintf("Clear of %s keys among %s others, beside %d reading", group(float64(b.scale.own)), group(float64(b.scale.foreign)), a.Readers)
	results = append(results, result{what: what, unit: seconds, measured: series{"Clear", durations}, target: target{valueAtMost, 30}})
	for _, figure := range []struct {
		name string
		of   func(summary) float64
		most float64
	}{
		{"median", func(s summary) float64 { return s.Median }, 1.5},
		{"99th percentile", func(s summary) float64 { return s.P99 }, 2},
	} {
		what, measured := reader+", "+figure.name, series{"beside Clear", each(during, figure.of)}
		results = append(results,
			result{what: what, base: series{"at rest", each(rest, figure.of)}, measured: measured, unit: microseconds, target: target{ratioAtMost, figure.most}},
			result{what: what, base: series{"beside PINGs", each(beside, figure.of)}, measured: measured, unit: microseconds},
		)
	}
	return results, nil
}

func each(laps []summary, figure func(summary) float64) []float64 {
	values := make([]float64, len(laps))
	for i, lap := range laps {
		values[i] = figure(lap)
	}
	return values
}

// clearing is one Clear, and how long reads took at rest, beside a third client that only pings, and beside Clear. Pings keep the server and
// the processor awake, as Clear does, and cost next to nothing: what reads take longer beside Clear is Clear's.
type clearing struct {
	took                 time.Duration
	rest, beside, during summary
}

func (s *redisServer) clearing(ctx context.Context, lap time.Duration, store *redisstore.Store, other *reader) (c clearing, err error) {
	if _, err := other.lap(); err != nil {
		return c, err
	}
	select {
	case <-ctx.Done():
		return c, ctx.Err()
	case <-time.After(lap):
	}
	if c.rest, err = other.lap(); err != nil {
		return c, err
	}
	for end := time.Now().Add(lap); time.Now().Before(end); {
		if err := s.control.Ping(ctx).Err(); err != nil {
			return c, err
		}
	}
	if c.beside, err = other.lap(); err != nil {
		return c, err
	}
	begin := time.Now()
	if err := store.Clear(ctx, ""); err != nil {
		return c, err
	}
	c.took = time.Since(begin)
	c.during, err = other.lap()
	return c, err
}

// cleared makes sure that Clear did its work and no more.
func (s *redisServer) cleared(ctx context.Context, prefix, foreign string) error {
	own, err := s.control.Exists(ctx, prefix+entryKey(0)).Result()
	if err != nil {
		return err
	}
	others, err := s.control.Exists(ctx, foreign+entryKey(0)).Result()
	if err == nil && (own != 0 || others != 1) {
		err = fmt.Errorf("after Clear: %d of its entries is there, and %d of another's; want 0 and 1", own, others)
	}
	return err
}
