package redisstore

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

// operation is one call of the contract, or one step of it: the caller's context, the bounded one, and what they are for.
type operation struct {
	name   string
	key    string
	keys   int             // how many, of a batch
	parent context.Context //nolint:containedctx // it lives as long as the call
	ctx    context.Context //nolint:containedctx // the same
	end    time.Time
}

// begin checks the context and the store, in this order, and bounds the operation.
func (s *Store) begin(ctx context.Context, name, key string) (operation, error) {
	return s.next(operation{name: name, key: key, parent: ctx})
}

// next does the same for the next step of an operation, which has the whole timeout again.
func (s *Store) next(op operation) (operation, error) {
	if err := s.ready(op.parent); err != nil {
		return op, op.failed(err)
	}
	op.ctx, op.end = s.deadlines.bound(op.parent)
	return op, nil
}

func (s *Store) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.life.ended() {
		return cache.ErrClosed
	}
	return nil
}

// fail names the operation and the key, and says in the contract's terms why.
func (s *Store) fail(op operation, err error) error {
	if err == nil {
		return nil
	}
	if s.life.ended() && (errors.Is(err, redis.ErrClosed) || errors.Is(err, net.ErrClosed)) {
		err = cache.ErrClosed
	}
	return op.failed(s.unavailable(op.parent, op.end, err))
}

func (op operation) failed(err error) error {
	return &cache.OpError{Op: op.name, Key: op.key, Keys: op.keys, Err: err}
}
