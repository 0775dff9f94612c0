package tierstore

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
)

const (
	// fresh is how old the server's last word may be: it is asked every second, and may take nearly two to answer. The rest of three seconds is for a
	// read to end.
	fresh = 2750 * time.Millisecond
	// again is how long after an attempt to track another is made, and anew where there is no tracking to be had.
	again = 100 * time.Millisecond
	anew  = time.Minute
)

// track has the far store tell of changes until ctx ends.
func (s *Store) track(ctx context.Context) {
	var said error // what OnTracking was told last; nil for a beginning
	told := false
	tell := func(err error) {
		if !told || (err == nil) != (said == nil) || errors.Is(err, errors.ErrUnsupported) != errors.Is(said, errors.ErrUnsupported) {
			told, said = true, err
			s.onTracking(err)
		}
	}
	for ctx.Err() == nil {
		err := s.far.Track(ctx, redisstore.Tracking{
			Started: func() {
				s.forget()
				tell(nil)           // while it runs, nobody reads what the server tells
				s.alive(time.Now()) // what is kept is read from now on
			},
			Changed: s.changed,
			Alive:   s.alive,
		})
		s.until.Store(0)
		s.forget()
		if ctx.Err() != nil || errors.Is(err, cache.ErrClosed) {
			return
		}
		tell(err)
		wait := again
		if errors.Is(err, errors.ErrUnsupported) {
			wait = anew
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// alive lets what is near be used for as long as the server's word holds.
func (s *Store) alive(asked time.Time) { s.until.Store(int64(asked.Sub(s.begun) + fresh)) }

// changed drops the keys; nil is all of them.
func (s *Store) changed(keys []string) {
	if keys == nil {
		s.forget()
	}
	for _, key := range keys {
		s.flights.changed(key, s.drop)
	}
}

// forget drops everything near.
func (s *Store) forget() {
	s.flights.reset()
	_ = s.near.Clear(context.Background(), "") // fails only after Close
}
