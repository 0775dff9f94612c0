package cache

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Policy says how [GetOrLoad] keeps what it has loaded. The zero Policy keeps it for the cache's default lifetime and serves nothing stale.
type Policy struct {
	// TTL is how long a loaded value is fresh. Zero and [DefaultTTL] are the cache's default; [Forever] is allowed. What is stored lives up to 5 %
	// shorter, at random, so that what was loaded together does not expire together.
	TTL time.Duration
	// StaleFor is for how long after its TTL a value is still served, while one caller's load refreshes it in the background.
	StaleFor time.Duration
	// StaleIfError is for how long after its TTL a value is served if loading another fails. [ErrNotFound] is no failure.
	StaleIfError time.Duration
	// NegativeTTL is how long it is remembered that the loader returned [ErrNotFound]. Zero is not at all.
	NegativeTTL time.Duration
	// Exclusive, where it is not zero, makes one load of a key at a time across all processes that share the store. Whoever loads has a lease on the key for so
	// long; the others wait for his value. If he dies they wait until the lease has run out. A Set, Delete or Clear of another process meanwhile ends the lease, and what was
	// loaded under it is not stored; what was loaded before an InvalidateTags is not used. It must not be shorter than LoadTimeout.
	Exclusive time.Duration
	// LoadTimeout is how long one call of the loader may take: its context is done then, and its callers get an error even if it does not return. Zero is
	// 30 seconds, or Exclusive if that is shorter.
	LoadTimeout time.Duration
	// Tags are what [Cache.InvalidateTags] knows the value by: up to 64. They cost a read of one more entry each, the marker, and for each level of namespace. A marker that is
	// lost, as those of permanent values are first where a store is full, makes its values misses.
	Tags []string
}

// defaultLoadTimeout is that of a request, as APP_REQUEST_TIMEOUT has it: nobody waits longer.
const defaultLoadTimeout = 30 * time.Second

// maxLife is the longest lifetime that is counted; what is longer is permanent.
const maxLife = math.MaxInt64 / 4

// check tells why the policy makes no sense, or c cannot follow it.
func (p *Policy) check(c *Cache) error {
	if p.isPlain() {
		return nil
	}
	ttl := p.TTL
	if ttl < 0 && ttl != DefaultTTL {
		return fmt.Errorf("%w: Policy.TTL is %s; allowed: more than 0, or Forever; 0 is the cache's default", ErrInvalidTTL, lifetimeText(ttl))
	}
	if ttl == 0 || ttl == DefaultTTL {
		ttl = defaultTTL
		if c != nil {
			ttl = c.ttl
		}
	}
	for _, d := range []struct {
		name string
		d    time.Duration
		min  time.Duration // but for 0
	}{
		{"StaleFor", p.StaleFor, 0},
		{"StaleIfError", p.StaleIfError, 0},
		{"NegativeTTL", p.NegativeTTL, 0},
		{"Exclusive", p.Exclusive, minRenewal},
		{"LoadTimeout", p.LoadTimeout, minRenewal},
	} {
		switch {
		case d.d == 0 || d.d >= d.min && d.d <= maxRenewal:
		case d.min == 0:
			return fmt.Errorf("%w: Policy.%s is %s; allowed: 0 to %v", ErrInvalidTTL, d.name, lifetimeText(d.d), maxRenewal)
		default:
			return fmt.Errorf("%w: Policy.%s is %s; allowed: 0, or %v to %v", ErrInvalidTTL, d.name, lifetimeText(d.d), d.min, maxRenewal)
		}
	}
	switch {
	case ttl == Forever && (p.StaleFor > 0 || p.StaleIfError > 0):
		return fmt.Errorf("%w: Policy.StaleFor and StaleIfError make no sense for what is fresh Forever", ErrInvalidTTL)
	case p.Exclusive > 0 && p.LoadTimeout > p.Exclusive:
		return fmt.Errorf("%w: Policy.LoadTimeout is %v and Exclusive %v: a load must not outlive its lease", ErrInvalidTTL, p.LoadTimeout, p.Exclusive)
	case len(p.Tags) > maxTags:
		return fmt.Errorf("there are %d of Policy.Tags; allowed: up to %d", len(p.Tags), maxTags)
	}
	for _, name := range p.Tags {
		if err := checkTag(name); err != nil {
			return err
		}
	}
	if c != nil && (c.adder == nil || c.swapper == nil) {
		switch {
		case p.Exclusive > 0:
			return fmt.Errorf("Policy.Exclusive: %w", c.unsupported("Adder and Swapper"))
		case len(p.Tags) > 0:
			return fmt.Errorf("Policy.Tags: %w", c.unsupported("Adder and Swapper"))
		}
	}
	return nil
}

// isPlain tells, for next to nothing, that there is nothing to check.
func (p *Policy) isPlain() bool {
	return p.TTL >= 0 && p.StaleFor == 0 && p.StaleIfError == 0 && p.NegativeTTL == 0 && p.Exclusive == 0 && p.LoadTimeout == 0 && len(p.Tags) == 0
}

// errNoLoader is a mistake of the program's.
var errNoLoader = errors.New("the loader is nil")

func (p *Policy) loadTimeout() time.Duration {
	switch {
	case p.LoadTimeout > 0:
		return p.LoadTimeout
	case p.Exclusive > 0:
		return min(p.Exclusive, defaultLoadTimeout)
	}
	return defaultLoadTimeout
}

// ttl is how long the policy keeps a value fresh.
func (p *Policy) ttl(c *Cache) time.Duration {
	if p.TTL == 0 {
		return c.ttl
	}
	return c.lifetime(p.TTL)
}

// needed is how long the markers of a value have to live that is going to be loaded.
func (p *Policy) needed(c *Cache) time.Duration {
	if ttl := p.ttl(c); ttl < maxLife {
		return max(ttl+max(p.StaleFor, p.StaleIfError), p.NegativeTTL) + p.loadTimeout()
	}
	return Forever
}

// shortened is d, or up to 5 % less.
func shortened(d time.Duration) time.Duration {
	if d >= maxLife {
		return Forever
	}
	return d - time.Duration(rand.Int64N(int64(d)/20+1))
}
