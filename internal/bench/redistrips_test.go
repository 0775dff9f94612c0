package main

import (
	"context"
	"testing"
)

func TestTheServersCountTellsRoundTrips(t *testing.T) {
	s := ownServer(t)
	client := s.client()
	ping := func(ctx context.Context, _, _ int) error { return client.Ping(ctx).Err() }
	for _, c := range []struct {
		name string
		do   func(ctx context.Context, goroutine, call int) error
		want float64
	}{
		{"a command", ping, 1},
		{"two commands one after the other", func(ctx context.Context, _, _ int) error {
			if err := ping(ctx, 0, 0); err != nil {
				return err
			}
			return ping(ctx, 0, 0)
		}, 2},
		{"two commands at once", func(ctx context.Context, _, _ int) error {
			p := client.Pipeline()
			p.Ping(ctx)
			p.Ping(ctx)
			_, err := p.Exec(ctx)
			return err
		}, 1},
		{"a script of several", func(ctx context.Context, _, _ int) error {
			return client.Eval(ctx, "redis.call('PING') return redis.call('PING')", nil).Err()
		}, 1},
	} {
		if n, err := s.roundTrips(t.Context(), contender{c.name, c.do}, 20); n != c.want || err != nil {
			t.Errorf("%s: %v round trips, %v; want %v", c.name, n, err, c.want)
		}
	}
}
