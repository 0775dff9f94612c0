package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// failoverAddr is what NewFailoverClient calls the address of a client that asks sentinels.
const failoverAddr = "FailoverClient"

// topology tells which servers have the keys: single or cluster. A client for Sentinel is single, for it finds its master by itself.
type topology interface {
	// master returns the server that takes writes of a key, as far as is known without asking.
	master(ctx context.Context, key string) (*redis.Client, error)
	// masters asks which servers take writes.
	masters(ctx context.Context) ([]*redis.Client, error)
	// layout asks each master which part of the keys it has, by process.
	layout(ctx context.Context, process processOn) (layout, error)
}

// processOn runs a command on a server.
type processOn func(ctx context.Context, node *redis.Client, cmd redis.Cmder) error

// layout is which master has which part of the keys. Two that are equal in text, with nothing in motion, say that no key has moved between them.
type layout struct {
	masters []*redis.Client
	text    string
	moving  bool // keys are on their way from one master to another
}

// single is one server, which has all the keys.
type single struct{ *redis.Client }

func (s single) master(context.Context, string) (*redis.Client, error) { return s.Client, nil }

func (s single) masters(context.Context) ([]*redis.Client, error) {
	return []*redis.Client{s.Client}, nil
}

func (s single) layout(context.Context, processOn) (layout, error) {
	return layout{masters: []*redis.Client{s.Client}}, nil
}

// topologyOf refuses a client whose commands would not end with their context, or whose reads would not see its writes.
func topologyOf(client redis.UniversalClient) (topology, error) {
	switch c := client.(type) {
	case *redis.Client:
		if c == nil {
			return nil, errNilClient
		}
		o := c.Options()
		return single{c}, checkDeadlines("redis.Options", o.ContextTimeoutEnabled, o.ReadTimeout, o.WriteTimeout)
	case *redis.ClusterClient:
		if c == nil {
			return nil, errNilClient
		}
		o := c.Options()
		if o.ReadOnly {
			return nil, errReadsReplicas
		}
		return cluster{c}, checkDeadlines("redis.ClusterOptions", o.ContextTimeoutEnabled, o.ReadTimeout, o.WriteTimeout)
	case nil:
		return nil, errNilClient
	}
	return nil, fmt.Errorf("a client of type %T is not supported; allowed: *redis.Client, which NewClient and NewFailoverClient make, and *redis.ClusterClient", client)
}
