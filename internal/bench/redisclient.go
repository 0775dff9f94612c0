package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/redis/rueidis"

	"github.com/larder-go/larder/cache/redisstore"
)

const redisTimeout = 10 * time.Second

// redisOptions are those of the clients that redisstore.Open makes, for all contenders alike: the same pool, no retries by the client,
// nothing asked of the server but HELLO. Only the timeouts are longer, so that a stall does not end the run.
func redisOptions(url string) (*redis.Options, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("the URL is malformed (not repeated here, since it may hold a password)")
	}
	o.ContextTimeoutEnabled = true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = redisTimeout, redisTimeout, redisTimeout, redisTimeout
	o.MaxRetries, o.DialerRetries = -1, 1
	o.ConnMaxIdleTime = 5 * time.Minute
	o.PipelinePoolSize = -1
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o, nil
}

// client returns a client with a pool of its own, which goes with the server.
func (s *redisServer) client() *redis.Client {
	o := s.options // the client writes to its options
	c := redis.NewClient(&o)
	s.clients = append(s.clients, c)
	return c
}

// rueidis returns a client of that library on the same server, with its defaults but for its near cache, which nobody uses here.
func (s *redisServer) rueidis() (rueidis.Client, error) {
	o, err := rueidis.ParseURL(s.url)
	if err != nil {
		return nil, errors.New("rueidis: the URL is malformed (not repeated here, since it may hold a password)")
	}
	o.DisableCache = true
	return rueidis.NewClient(o)
}

// prefix begins the keys of this run that the name stands for: nobody else's, also on a server that is shared.
func (s *redisServer) prefix(name string) string { return "bench-" + s.run + "-" + name + ":" }

// store returns a store on such a client.
func (s *redisServer) store(prefix string) (*redisstore.Store, error) {
	return redisstore.New(s.client(), &redisstore.Options{KeyPrefix: prefix, Timeout: redisTimeout})
}

// populate writes n entries behind the prefix as a store with that prefix would, but in pipelines. A ttl of 0 is none.
func (s *redisServer) populate(ctx context.Context, prefix string, n int, value []byte, ttl time.Duration) error {
	if !slices.Contains(s.prefixes, prefix) {
		s.prefixes = append(s.prefixes, prefix)
	}
	const batch = 1_000
	for begin := 0; begin < n; begin += batch {
		p := s.control.Pipeline()
		for i := begin; i < min(begin+batch, n); i++ {
			p.Set(ctx, prefix+entryKey(i), value, ttl)
		}
		if _, err := p.Exec(ctx); err != nil {
			return fmt.Errorf("write %d entries: %w", n, err)
		}
	}
	return nil
}
