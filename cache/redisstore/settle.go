package redisstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

// drainRounds is how many round trips a server that was frozen or cut off is given to execute what lay in its sockets: commands
// that wait there are read within the first turns of its event loop, a long value within a few more. Without them the Set that
// failed could be executed after the Delete that is to undo it. A client that Open made throws away what it has not sent
// when it gives up a connection (see dialer), so nothing follows later from here; what a proxy between holds back may.
const drainRounds = 16

// settle makes key safe to use: it deletes what a failed write may have left. Without failures it costs one atomic load.
//
// Under a prefix that is yet to be cleared it tells so and starts the clearing: what is there counts as a miss, but may be
// overwritten and deleted.
func (s *Store) settle(ctx context.Context, key string) (clearing bool, err error) {
	for s.failed.any() {
		if prefix, m := s.failed.prefixOf(key); m != nil {
			s.clearInBackground(prefix, m)
			clearing = true
		}
		if s.failed.key(key) == nil {
			return clearing, nil
		}
		if err := s.settleKeys(ctx, []string{key}); err != nil {
			return clearing, err
		}
	}
	return clearing, nil
}

// settleToStore is settle for what stores: it gives a clearing that is under way half of the operation's time to end, so that
// it does not take the new entry away again.
func (s *Store) settleToStore(ctx context.Context, key string) (clearing bool, err error) {
	clearing, err = s.settle(ctx, key)
	if !clearing || err != nil {
		return clearing, err
	}
	if _, m := s.failed.prefixOf(key); m != nil {
		wait := time.NewTimer(s.timeout / 2)
		defer wait.Stop()
		select {
		case m.turn <- struct{}{}:
			<-m.turn
		case <-wait.C:
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	return s.settle(ctx, key)
}

// settleKeys deletes those of the keys whose last write failed, all at once. Of several callers one does, the others wait for it; in order, so that no
// two wait for each other.
func (s *Store) settleKeys(ctx context.Context, keys []string) error {
	var standing []string
	serials := make(map[string]uint64)
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		m := s.failed.key(key)
		if m == nil {
			continue
		}
		select {
		case m.turn <- struct{}{}:
			defer func() { <-m.turn }()
		case <-ctx.Done():
			return ctx.Err()
		}
		if serial, stands := s.failed.standing(key, m); stands {
			standing, serials[key] = append(standing, key), serial
		}
	}
	if len(standing) == 0 {
		return nil
	}
	if err := s.drain(ctx, standing...); err != nil {
		return err
	}
	if err := s.unlink(ctx, s.full(standing)...); err != nil {
		return err
	}
	for key, serial := range serials {
		s.failed.forgetKey(key, serial)
	}
	return nil
}

// settleToRead is settle for the keys of a batch, each within the timeout. It returns those that are not under a prefix which is yet to be
// cleared. Without failures it costs one atomic load.
func (s *Store) settleToRead(op operation, keys []string) ([]string, error) {
	if !s.failed.any() {
		return keys, nil
	}
	if err := s.settleAtOnce(op, keys); err != nil {
		return nil, err
	}
	usable := make([]string, 0, len(keys))
	for _, key := range keys {
		op, err := s.next(op)
		if err != nil {
			return nil, err
		}
		clearing, err := s.settle(op.ctx, key)
		if err != nil {
			return nil, s.fail(op, err)
		}
		if !clearing {
			usable = append(usable, key)
		}
	}
	return usable, nil
}

// settleAtOnce makes the keys of a batch safe to use, within the timeout. What fails meanwhile is left to a look at each.
func (s *Store) settleAtOnce(op operation, keys []string) error {
	op, err := s.next(op)
	if err != nil {
		return err
	}
	return s.fail(op, s.settleKeys(op.ctx, keys))
}

// settleToWrite is the same for a batch that writes, whose keys may be under such a prefix. One that stores waits for a clearing once.
func (s *Store) settleToWrite(op operation, keys []string, settle func(context.Context, string) (bool, error)) error {
	if !s.failed.any() {
		return nil
	}
	if err := s.settleAtOnce(op, keys); err != nil {
		return err
	}
	for _, key := range keys {
		step, err := s.next(op)
		if err != nil {
			return err
		}
		clearing, err := settle(step.ctx, key)
		if clearing && err == nil {
			settle = s.settle
			err = s.drain(step.ctx, keys...)
		}
		if err != nil {
			return s.fail(step, err)
		}
	}
	return nil
}

// clearInBackground repeats a Clear that failed, unless that is being done: it may take longer than any operation has. It
// ends with the store. One that fails is tried again by the next operation below the prefix.
func (s *Store) clearInBackground(prefix string, m *mark) {
	select {
	case m.turn <- struct{}{}:
	default:
		return
	}
	started := s.life.run(func() {
		defer func() { <-m.turn }()
		if !s.failed.clearing(prefix, m) {
			return // somebody's Clear was faster
		}
		since := s.failed.last()
		if err := s.clear(s.life.ctx, prefix); err != nil {
			s.failed.blame(prefix, err)
			return
		}
		s.failed.forgetBelow(prefix, since, m)
	})
	if !started {
		<-m.turn
	}
}

// drain waits until what this store sent before a failure has been executed, as far as it is on a server that has one of the keys. What other masters of a
// cluster have yet to do is no matter of these.
func (s *Store) drain(ctx context.Context, keys ...string) error {
	var servers []*breaker
	for _, key := range keys {
		b, err := s.guard(ctx, s.prefix+key)
		if err != nil {
			return err
		}
		if !slices.Contains(servers, b) {
			servers = append(servers, b)
		}
	}
	return onEach(servers, func(b *breaker) error { return s.drainOne(ctx, b) })
}

// drainAll is drain for all servers.
func (s *Store) drainAll(ctx context.Context) error {
	if s.failed.drainOf(s.breakers.whole.node) == nil {
		return nil
	}
	within, _ := s.deadlines.bound(ctx)
	return s.onMasters(within, func(b *breaker) error { return s.drainOne(ctx, b) })
}

// drainOne makes the round trips, each bounded by the timeout. One caller does, and the others wait for it; what ctx cuts short the next one goes on with.
func (s *Store) drainOne(ctx context.Context, b *breaker) error {
	d := s.failed.drainOf(b.node)
	if _, rounds := s.failed.undrained(d); rounds == 0 {
		return nil
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		sent, rounds := s.failed.undrained(d)
		if rounds == 0 {
			return nil
		}
		if err := s.pingWithin(ctx, b); err != nil {
			return err
		}
		s.failed.drainedOnce(d, sent)
	}
}

func (s *Store) pingWithin(ctx context.Context, b *breaker) error {
	if err := s.pass(b); err != nil {
		return err
	}
	ctx, _ = s.deadlines.bound(ctx)
	return s.pingPast(ctx, b)
}

// errClearing is what an operation on key gets that must not run while a Clear that failed is being repeated: that could remove
// what the operation stores.
func (s *Store) errClearing(key string) error {
	err := fmt.Errorf("%w: a clear that failed is being repeated", cache.ErrUnavailable)
	if why := s.failed.blamed(key); why != nil {
		err = fmt.Errorf("%w: %w", err, why)
	}
	return err
}
