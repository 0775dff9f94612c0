package redisstore

import (
	"context"
	"fmt"

	"github.com/larder-go/larder/cache"
)

// drainRounds is how many round trips it takes until a server that was frozen or cut off has executed what it had received
// before: commands that wait in its sockets are executed within the first turns of its event loop, a long value within a
// few. Without them the Set that failed could be executed after the Delete that is to undo it.
const drainRounds = 3

// settle makes key safe to use: it deletes what a failed write may have left. Without failures it costs one atomic load.
func (s *Store) settle(ctx context.Context, key string) error {
	for {
		name, m, isPrefix := s.failed.find(key)
		if m == nil {
			return nil
		}
		var err error
		if isPrefix {
			err = s.settlePrefix(ctx, name, m)
		} else {
			err = s.settleKey(ctx, name, m)
		}
		if err != nil {
			return err
		}
	}
}

// settleKey deletes a key whose last write failed. Of several callers one does, the others wait for it.
func (s *Store) settleKey(ctx context.Context, key string, m *mark) error {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	serial, _, stands := s.failed.state(key, m, false)
	if !stands {
		return nil
	}
	if err := s.drain(ctx); err != nil {
		return err
	}
	if err := s.unlink(ctx, s.prefix+key); err != nil {
		return err
	}
	s.failed.forgetKey(key, serial)
	return nil
}

// settlePrefix goes on with a Clear that failed, as far as the time of this operation allows. Others do not wait for it: it
// may take longer than any of them has.
func (s *Store) settlePrefix(ctx context.Context, prefix string, m *mark) error {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	default:
		return fmt.Errorf("%w: a clear that failed is being repeated", cache.ErrUnavailable)
	}
	serial, cursor, stands := s.failed.state(prefix, m, true)
	if !stands {
		return nil
	}
	if err := s.drain(ctx); err != nil {
		return err
	}
	for {
		next, err := s.clearPage(ctx, prefix, cursor)
		if err != nil {
			if dead(err) {
				next = 0 // a cursor means nothing to a server that was restarted
			}
			s.failed.advance(m, serial, next)
			return err
		}
		if cursor = next; cursor == 0 {
			s.failed.forgetBelow(prefix, serial)
			return nil
		}
		s.failed.advance(m, serial, cursor)
	}
}

// drain waits until no failed write can take effect any more.
func (s *Store) drain(ctx context.Context) error {
	serial, is := s.failed.undrained()
	if !is {
		return nil
	}
	for range drainRounds {
		if err := s.ping(ctx); err != nil {
			return err
		}
	}
	s.failed.setDrained(serial)
	return nil
}
