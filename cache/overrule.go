package cache

import (
	"context"
	"slices"
	"strings"
)

// overrule keeps a load of k that is under way from storing what it may have read before this call, and those who come from waiting for it. A
// store that has begun is waited for.
func (l *flights) overrule(ctx context.Context, k string) error {
	if l.count.Load() == 0 {
		return nil
	}
	l.mu.Lock()
	f := l.byKey[k]
	if f != nil {
		f.overruled.Store(true)
		l.remove(f)
	}
	l.mu.Unlock()
	if f == nil {
		return nil
	}
	return f.settle(ctx)
}

// overruleAll is overrule for the flights that match.
func (l *flights) overruleAll(ctx context.Context, match func(f *flight) bool) error {
	if l.count.Load() == 0 {
		return nil
	}
	var those []*flight
	l.mu.Lock()
	for _, f := range l.byKey {
		if match(f) {
			those = append(those, f)
		}
	}
	for _, f := range those {
		f.overruled.Store(true)
		l.remove(f)
	}
	l.mu.Unlock()
	for _, f := range those {
		if err := f.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until f is not storing.
func (f *flight) settle(ctx context.Context) error {
	select {
	case f.turn <- struct{}{}:
		<-f.turn
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Cache) overruleMany(ctx context.Context, ks []string) error {
	for _, k := range ks {
		if err := c.flights.overrule(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cache) overrulePrefix(ctx context.Context) error {
	return c.flights.overruleAll(ctx, func(f *flight) bool { return strings.HasPrefix(f.k, c.prefix) })
}

// overruleTags is overrule for the loads whose values will have one of the markers.
func (c *Cache) overruleTags(ctx context.Context, markers []string) error {
	return c.flights.overruleAll(ctx, func(f *flight) bool {
		return slices.ContainsFunc(f.markers, func(k string) bool { return slices.Contains(markers, k) })
	})
}
