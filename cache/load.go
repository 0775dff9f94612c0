package cache

import (
	"context"
	"errors"
	"slices"
	"time"
)

// GetOrLoad returns the value under key, or what load returns, which it stores as p says. Concurrent callers of a key share one call of load in this process, and with [Policy].Exclusive among
// all; each gets a value of its own, decoded from the stored bytes.
//
//	item, err := cache.GetOrLoad(ctx, cache.From(c), "item:"+id, cache.Policy{TTL: time.Minute},
//		func(ctx context.Context) (Item, error) { return repo.Item(ctx, id) })
//
// A []byte and a string are stored as they are, any other type as JSON; [For] takes another codec. What is stored and is no T counts as absent
// and is replaced.
//
// load runs in a goroutine of its own, with the values of the first caller's context and not with its end: each caller stops waiting when his context is done, and load's is
// done when the last has, or after [Policy].LoadTimeout. So it must use its own context, and nothing that ends with a request, such as a pooled request context. What it returns with an
// error is not used, and the error, which is not stored, is what all callers get. [ErrNotFound] is what it returns where there is nothing to find. A panic is a [PanicError].
//
// A loader that would wait for itself, because it asks with its context for its own key, or for one whose loader asks for that, gets an error. Where two loaders of two stores
// ask for each other's keys, LoadTimeout ends it.
//
// Where the store does not serve the value is loaded and returned all the same, and [Options].OnEvent has the store's error. A value that the store refuses is returned too.
// What was loaded is not stored if the key was set, deleted, cleared or invalidated through this cache after load was called; for other processes to keep it so, the load has to be
// Exclusive. On a nil cache load is called each time, in the goroutine of the caller and with his context: only what makes no sense in p is an error.
func GetOrLoad[T any](ctx context.Context, c *Cache, key string, p Policy, load func(context.Context) (T, error)) (T, error) {
	return getOrLoad(ctx, c, key, &p, shape{}, load)
}

func getOrLoad[T any](ctx context.Context, c *Cache, key string, p *Policy, sh shape, load func(context.Context) (T, error)) (value T, err error) {
	if load == nil {
		return value, opError("get or load", key, errNoLoader)
	}
	if c == nil {
		if err := p.check(nil); err != nil {
			return value, opError("get or load", key, err)
		}
		return load(ctx)
	}
	start := c.now()
	k, err := c.enter(ctx, key)
	if err == nil {
		err = p.check(c)
	}
	if err != nil {
		err = opError("get or load", key, err)
		c.emit("get or load", start, ResultError, err)
		return value, err
	}
	value, standing, asked, trouble := recall[T](ctx, c, k, p, sh)
	switch standing {
	case fresh:
		c.emit("get or load", start, ResultHit, nil)
		return value, nil
	case stale:
		c.emit("get or load", start, ResultStale, nil)
		newJob(c, p, sh, load).refresh(ctx, []string{k}, []string{key})
		return value, nil
	case negative:
		c.emit("get or load", start, ResultHit, nil)
		return value, opError("get or load", key, ErrNotFound)
	}
	if err := ctx.Err(); err != nil {
		err = opError("get or load", key, err)
		c.emit("get or load", start, ResultError, err)
		return value, err
	}
	c.emit("get or load", start, ResultMiss, opError("get", key, trouble))
	results, err := newJob(c, p, sh, load).join(ctx, []string{k}, []string{key}, trouble, asked)
	switch {
	case err != nil:
		return value, opError("get or load", key, err)
	case results[0].err != nil:
		return value, results[0].err
	}
	value, err = unmarshalShared[T](sh, results[0].value)
	return value, opError("get or load", key, err)
}

// recall reads and judges what is stored under k. The value is there if it is fresh or stale; what is none of the type is absent. asked is when the store was asked for
// more than the entry, zero if it was not.
func recall[T any](ctx context.Context, c *Cache, k string, p *Policy, sh shape) (value T, _ standing, asked time.Time, err error) {
	raw, found, err := c.store.Get(ctx, k)
	if err != nil || !found {
		return value, absent, asked, err
	}
	if data, is := plain(raw); is {
		if sh.schema != 0 {
			return value, absent, asked, nil
		}
		if value, err = unmarshal[T](sh, data); err != nil {
			return value, absent, asked, nil //nolint:nilerr // it is replaced
		}
		return value, fresh, asked, nil
	}
	if isTagged(raw) {
		asked = time.Now()
	}
	s, err := c.judge(ctx, raw)
	s.limit(p)
	switch {
	case err != nil:
		return value, absent, asked, err
	case s.standing != fresh && s.standing != stale && s.standing != negative || s.frame.schema != sh.schema:
		return value, absent, asked, nil
	case s.standing == negative:
		return value, negative, asked, nil
	}
	if value, err = unmarshal[T](sh, s.value); err != nil {
		return value, absent, asked, nil //nolint:nilerr // it is replaced
	}
	return value, s.standing, asked, nil
}

// newJob is the job of one key.
func newJob[T any](c *Cache, p *Policy, sh shape, load func(context.Context) (T, error)) *job {
	policy := *p
	policy.Tags = slices.Clone(p.Tags)
	return &job{
		c: c, policy: &policy, schema: sh.schema,
		load: func(ctx context.Context, flights []*flight) []result {
			v, err := load(ctx)
			if err != nil {
				return []result{{err: err, missing: errors.Is(err, ErrNotFound)}}
			}
			data, err := marshal(sh, v)
			return []result{{value: data, err: opError("get or load", flights[0].key, err), broken: err != nil}}
		},
		valid: validOf[T](sh),
	}
}

func validOf[T any](sh shape) func([]byte) bool {
	return func(data []byte) bool {
		_, err := unmarshalShared[T](sh, data)
		return err == nil
	}
}
