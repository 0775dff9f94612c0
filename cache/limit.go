package cache

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limit is how much may be taken: Requests within any Period, of which a client that was idle may take all at once, and which come
// back one by one, each after Period/Requests.
type Limit struct {
	// Name tells the limits of one key apart. It may be empty; no two limits of one call may have the same.
	Name string
	// Requests is how many: 1 or more, and no more than one a microsecond of Period.
	Requests int64
	// Period is a whole number of microseconds, up to 400 days.
	Period time.Duration
}

// Decision is what became of a [Cache.Take].
type Decision struct {
	Allowed bool
	// Limit is the index of the limit that decides: of those that lack the cost the one that lacks it longest, else the one with the
	// fewest remaining; the first among equals.
	Limit int
	// Remaining is how many requests that limit has left now.
	Remaining int64
	// RetryAfter is when the same call would be allowed, if nobody else takes anything; 0 if this one was.
	RetryAfter time.Duration
	// ResetAfter is when that limit is whole again, if nobody takes anything.
	ResetAfter time.Duration
}

const (
	maxPeriod = maxRenewal // 400 days
	micro     = int64(time.Microsecond)
)

// checkLimits reports what no store should be asked.
func checkLimits(limits []Limit, cost int64) error {
	if len(limits) == 0 {
		return errors.New("no limits are given; allowed: 1 or more")
	}
	for i, l := range limits {
		micros := int64(l.Period) / micro
		switch {
		case l.Period <= 0 || l.Period > maxPeriod || int64(l.Period)%micro != 0:
			return fmt.Errorf("limit %q has a period of %v; allowed: 1µs to %v, in whole microseconds", l.Name, l.Period, maxPeriod)
		case l.Requests < 1 || l.Requests > micros:
			return fmt.Errorf("limit %q has %d requests; allowed: 1 to %d, one a microsecond of its period", l.Name, l.Requests, micros)
		case cost < 0 || cost > l.Requests:
			return fmt.Errorf("the cost is %d; allowed: 0 to %d, what limit %q has", cost, l.Requests, l.Name)
		}
		for _, other := range limits[:i] {
			if other.Name == l.Name {
				return fmt.Errorf("two limits are named %q; allowed: names that differ", l.Name)
			}
		}
	}
	return nil
}

// Take takes cost from every limit of key, or from none of them if one lacks it, in one atomic step, and says which. A cost of 0 takes
// nothing and tells how things are. The limits of a key are known by their names: calls that share a key and a name share the limit.
// Over a time t, a key that was idle is granted exactly Requests + floor(t·Requests/Period) requests of cost 1.
//
// What is kept under key is gone once all is whole again. Limits and costs that make no sense are errors, as is an entry under key that
// Take did not make. A store that cannot gives [errors.ErrUnsupported]; on a nil cache everything is allowed.
func (c *Cache) Take(ctx context.Context, key string, limits []Limit, cost int64) (Decision, error) {
	if c == nil {
		return idle(key, limits, cost)
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		err = checkLimits(limits, cost)
	}
	var d Decision
	switch {
	case err != nil:
	case c.limiter == nil:
		err = c.unsupported("Limiter")
	default:
		d, err = c.limiter.Take(ctx, k, limits, cost)
	}
	if err != nil {
		d, err = Decision{}, opError("take", key, err)
	}
	c.emit("take", start, okOrMiss(d.Allowed), err)
	return d, err
}

// idle is the decision for a key that nobody has taken from.
func idle(key string, limits []Limit, cost int64) (Decision, error) {
	if err := checkLimits(limits, cost); err != nil {
		return Decision{}, opError("take", key, err)
	}
	_, d := Decide(limits, make([]Level, len(limits)), cost)
	return d, nil
}
