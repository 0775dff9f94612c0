package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/go-chi/httprate"
	"github.com/sethvargo/go-limiter"
	"github.com/sethvargo/go-limiter/httplimit"
	"github.com/sethvargo/go-limiter/memorystore"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/ratelimit"
)

// manyRequests is more than a client makes in a run, and fewerRequests what all of them have made at once. The period is so long that neither comes back meanwhile: what is known
// of a client is to be found, not to have expired.
const (
	manyRequests  = 1_000_000
	fewerRequests = 1
	limitPeriod   = 24 * time.Hour
)

var errDecision = errors.New("the decision is another than all of them should be")

// limitWork is what limits clients to so many requests.
type limitWork func(requests int) callLibrary

// limitHandlers are the contenders of a request: each finds out who the client is, decides, and sets its fields. limitStores are those that decide only.
func limitHandlers() []limitWork {
	return []limitWork{
		limitedBy("ratelimit", ours, openRatelimit),
		limitedBy("httprate", library, openHTTPRate),
		limitedBy("go-limiter", library, openHTTPLimit),
	}
}

func limitStores() []limitWork {
	return []limitWork{takingFrom("Take over memstore", ours, openTake), takingFrom("go-limiter", library, openLimiterTake)}
}

// limitedBy makes the handlers a contender. Where clients may make hardly any requests, they have made them before.
func limitedBy(name string, kind memoryKind, open func(requests, clients int) (http.Handler, func() error, error)) limitWork {
	return func(requests int) callLibrary {
		return callLibrary{name, kind, func(ctx context.Context, clients int) (callWork, error) {
			h, end, err := open(requests, clients)
			if err != nil {
				return callWork{}, err
			}
			from, status := addresses(clients), http.StatusNoContent
			if requests == fewerRequests {
				for _, address := range from {
					if err := newVisit(ctx, h).from(address).send(status); err != nil {
						return callWork{}, errors.Join(err, end())
					}
				}
				status = http.StatusTooManyRequests
			}
			return callWork{close: end, worker: func(ctx context.Context) func(int) error {
				v := newVisit(ctx, h)
				return func(client int) error { return v.from(from[client]).send(status) }
			}}, nil
		}}
	}
}

func openRatelimit(requests, clients int) (http.Handler, func() error, error) {
	c, err := openLimitCache(clients)
	if err != nil {
		return nil, nil, err
	}
	l, err := ratelimit.New(c, &ratelimit.Options{Limits: limitOf(requests)})
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return l.Handler(http.HandlerFunc(passed)), c.Close, nil
}

func limitOf(requests int) []cache.Limit {
	return []cache.Limit{{Requests: int64(requests), Period: limitPeriod}}
}

func openLimitCache(clients int) (*cache.Cache, error) {
	store, err := memstore.New(&memstore.Options{MaxEntries: 2 * clients})
	if err != nil {
		return nil, err
	}
	return cache.New(store, nil)
}

// openHTTPRate names the client by the address that has connected, as LimitByIP does, which is deprecated because it does not say so.
func openHTTPRate(requests, _ int) (http.Handler, func() error, error) {
	limit := httprate.LimitBy(requests, limitPeriod, func(r *http.Request) (string, error) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		return httprate.CanonicalizeIP(host), err
	})
	return limit(http.HandlerFunc(passed)), func() error { return nil }, nil
}

func openHTTPLimit(requests, _ int) (http.Handler, func() error, error) {
	store, end, err := openLimiter(requests)
	if err != nil {
		return nil, nil, err
	}
	m, err := httplimit.NewMiddleware(store, httplimit.IPKeyFunc())
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return m.Handle(http.HandlerFunc(passed)), end, nil
}

func openLimiter(requests int) (limiter.Store, func() error, error) {
	store, err := memorystore.New(&memorystore.Config{Tokens: uint64(requests), Interval: limitPeriod})
	if err != nil {
		return nil, nil, err
	}
	return store, func() error { return store.Close(context.Background()) }, nil
}

// A taker takes a request from a client's limit and returns whether there was one left.
type taker func(ctx context.Context, key string) (allowed bool, err error)

// takingFrom is limitedBy for those that decide only.
func takingFrom(name string, kind memoryKind, open func(requests, clients int) (taker, func() error, error)) limitWork {
	return func(requests int) callLibrary {
		return callLibrary{name, kind, func(ctx context.Context, clients int) (callWork, error) {
			take, end, err := open(requests, clients)
			if err != nil {
				return callWork{}, err
			}
			keys, want := clientKeys(clients), true
			if requests == fewerRequests {
				for _, key := range keys {
					if err := take.decides(ctx, key, want); err != nil {
						return callWork{}, errors.Join(err, end())
					}
				}
				want = false
			}
			return callWork{close: end, worker: func(ctx context.Context) func(int) error {
				return func(client int) error { return take.decides(ctx, keys[client], want) }
			}}, nil
		}}
	}
}

func (t taker) decides(ctx context.Context, key string, want bool) error {
	allowed, err := t(ctx, key)
	if err == nil && allowed != want {
		err = fmt.Errorf("%w: allowed is %t", errDecision, allowed)
	}
	return err
}

func openTake(requests, clients int) (taker, func() error, error) {
	c, err := openLimitCache(clients)
	if err != nil {
		return nil, nil, err
	}
	limits := limitOf(requests)
	return func(ctx context.Context, key string) (bool, error) {
		d, err := c.Take(ctx, key, limits, 1)
		return d.Allowed, err
	}, c.Close, nil
}

func openLimiterTake(requests, _ int) (taker, func() error, error) {
	store, end, err := openLimiter(requests)
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, key string) (bool, error) {
		_, _, _, allowed, err := store.Take(ctx, key)
		return allowed, err
	}, end, nil
}
