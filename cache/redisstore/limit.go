package redisstore

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

// Take takes cost from every limit of key, or from none, by the server's clock. The script decides whether, and Decide says the rest.
func (s *Store) Take(ctx context.Context, key string, limits []cache.Limit, cost int64) (cache.Decision, error) {
	op, err := s.begin(ctx, "take", key)
	if err != nil {
		return cache.Decision{}, err
	}
	clearing, err := s.settleToStore(op.ctx, key)
	if clearing && err == nil {
		err = s.errClearing(key)
	}
	if err != nil {
		return cache.Decision{}, s.fail(op, err)
	}
	levels, err := s.take(op.ctx, key, limits, cost)
	if err != nil {
		return cache.Decision{}, s.fail(op, err)
	}
	_, d := cache.Decide(limits, levels, cost)
	return d, nil
}

// take returns the levels before.
func (s *Store) take(ctx context.Context, key string, limits []cache.Limit, cost int64) ([]cache.Level, error) {
	args := make([]any, 0, 5*len(limits))
	for _, l := range limits {
		adds := l.Cost(cost)
		args = append(args, url.QueryEscape(l.Name), l.Period.Microseconds(), l.Requests, adds.Micros, adds.Rest)
	}
	c, err := evaluate(ctx, s, s.scripts.take, key, newTexts, args...)
	if redis.HasErrorPrefix(err, "NOTTAKEN") {
		return nil, errNotTaken
	}
	if err != nil {
		return nil, err
	}
	return parseLevels(c.Val(), len(limits))
}

func parseLevels(texts []string, limits int) ([]cache.Level, error) {
	if len(texts) != 2*limits {
		return nil, fmt.Errorf("the server answered with %d numbers for %d limits", len(texts), limits)
	}
	levels := make([]cache.Level, limits)
	for i := range levels {
		for j, n := range []*int64{&levels[i].Micros, &levels[i].Rest} {
			var err error
			if *n, err = strconv.ParseInt(texts[2*i+j], 10, 64); err != nil {
				return nil, fmt.Errorf("the server answered with %q for a number", texts[2*i+j])
			}
		}
	}
	return levels, nil
}
