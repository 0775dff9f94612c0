package redisstore

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// How commands get to the servers: every one past the breaker of the server that has its key. Keys are as the servers have them.

// maxShared is the longest value that shares a connection with what others send at the moment: a longer one would hold them up.
const maxShared = 16 << 10

// process runs a command on key, possibly with others that are wanted at the same time.
func (s *server) process(ctx context.Context, key string, cmd redis.Cmder) error {
	b, err := s.guard(ctx, key)
	if err != nil {
		return err
	}
	err = b.together.do(ctx, cmd)
	s.report(b, err)
	return err
}

// processAlone is process for what is large.
func (s *server) processAlone(ctx context.Context, key string, cmd redis.Cmder) error {
	b, err := s.guard(ctx, key)
	if err != nil {
		return err
	}
	err = s.client.Process(ctx, cmd)
	s.report(b, err)
	return err
}

// newBreaker returns that of a server, and how commands go there together. It is the client that they go through, for a cluster's follows keys that move.
func (s *server) newBreaker(node *redis.Client) *breaker {
	return &breaker{node: node, together: &coalescer{direct: s.client.Process, pipeline: s.pipeline, span: s.timeout / 16}}
}

func (s *server) pipeline(ctx context.Context, cmds []redis.Cmder) error {
	p := s.client.Pipeline()
	if err := p.BatchProcess(ctx, cmds...); err != nil {
		return err
	}
	_, err := p.Exec(ctx)
	return err
}

// processAll runs commands on one key each, at once: a round trip to every server that has some of the keys. Where the breaker of one of them is open, none
// is run. It returns the first error, for which a missing entry is none.
func (s *server) processAll(ctx context.Context, keys []string, cmds []redis.Cmder) error {
	past := make([]*breaker, len(keys))
	for i, key := range keys {
		var err error
		if past[i], err = s.guard(ctx, key); err != nil {
			return err
		}
	}
	share(s.pipeline(ctx, cmds), cmds)
	var first error
	for i, cmd := range cmds {
		err := cmd.Err()
		s.report(past[i], err)
		if first == nil && !errors.Is(err, redis.Nil) {
			first = err
		}
	}
	return first
}

// getAll returns what is under every one of the keys, nil where nothing is.
func (s *server) getAll(ctx context.Context, keys []string) ([]any, error) {
	if s.one() {
		c, err := read(func() (sliceCmd, error) {
			c := newSlice(ctx, command("mget", keys)...)
			return c, s.processAlone(ctx, keys[0], c)
		})
		return c.Val(), err
	}
	values := make([]any, len(keys))
	gets, err := read(func() ([]redis.Cmder, error) {
		gets := each(keys, func(key string) redis.Cmder { return newString(ctx, "get", key) })
		return gets, s.processAll(ctx, keys, gets)
	})
	if err != nil {
		return nil, err
	}
	for i, c := range gets {
		if c.Err() == nil {
			values[i] = c.(stringCmd).Val()
		}
	}
	return values, nil
}

// unlink removes the entries under the keys.
func (s *server) unlink(ctx context.Context, keys ...string) error {
	if len(keys) == 1 {
		return s.process(ctx, keys[0], newInt(ctx, "unlink", keys[0]))
	}
	if s.one() {
		return s.processAlone(ctx, keys[0], newInt(ctx, command("unlink", keys)...))
	}
	return s.processAll(ctx, keys, each(keys, func(key string) redis.Cmder { return newInt(ctx, "unlink", key) }))
}

// one tells whether one server has all the keys, so that a command may have several.
func (s *server) one() bool { return s.breakers.whole.node != nil }

// processOn runs a command on a server, past its breaker.
func (s *server) processOn(ctx context.Context, node *redis.Client, cmd redis.Cmder) error {
	b := s.breakerOf(node)
	if err := s.pass(b); err != nil {
		return err
	}
	err := node.Process(ctx, cmd)
	s.report(b, err)
	return err
}

// pingAnyway tells whether every master answers. It asks one whose breaker is open too.
func (s *server) pingAnyway(ctx context.Context) error {
	return s.onMasters(ctx, func(b *breaker) error { return s.pingPast(ctx, b) })
}

func (s *server) pingPast(ctx context.Context, b *breaker) error {
	_, err := read(func() (statusCmd, error) {
		c := newStatus(ctx, "ping")
		return c, b.node.Process(ctx, c)
	})
	s.report(b, err)
	return err
}

// onMasters is onEach for every master.
func (s *server) onMasters(ctx context.Context, f func(*breaker) error) error {
	if s.one() {
		return f(s.breakers.whole)
	}
	masters, err := s.topology.masters(ctx)
	s.report(s.breakers.whole, err)
	if err != nil {
		return err
	}
	servers := make([]*breaker, len(masters))
	for i, master := range masters {
		servers[i] = s.breakerOf(master)
	}
	return onEach(servers, f)
}

// onEach calls f for every server, at the same time, and returns the first error in their order.
func onEach(servers []*breaker, f func(*breaker) error) error {
	if len(servers) == 1 {
		return f(servers[0])
	}
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, b := range servers {
		wg.Go(func() { errs[i] = f(b) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// command returns the arguments of a command on many keys.
func command(name string, keys []string) []any {
	args := append(make([]any, 0, 1+len(keys)), name)
	for _, key := range keys {
		args = append(args, key)
	}
	return args
}

// each makes a command of every key.
func each(keys []string, newCommand func(string) redis.Cmder) []redis.Cmder {
	cmds := make([]redis.Cmder, len(keys))
	for i, key := range keys {
		cmds[i] = newCommand(key)
	}
	return cmds
}
