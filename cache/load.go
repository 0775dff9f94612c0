package cache

import (
	"context"
	"errors"
	"slices"
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
// error is not used, and the error, which is not stored, is what all callers get. [ErrNotFound] is what it returns where there is nothing to find. A panic is a [PanicError]. A loader that asks for its own key gets an error.
//
// Where the store does not serve the value is loaded and returned all the same, and [Options].OnEvent has the store's error. A value that the store refuses is returned too.
// What was loaded is not stored if the key was set, deleted, cleared or invalidated through this cache after load was called; for other processes to keep it so, the load has to be
// Exclusive. On a nil cache load is called each time.
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
	value, standing, trouble := recall[T](ctx, c, k, sh)
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
	results, err := newJob(c, p, sh, load).join(ctx, []string{k}, []string{key}, trouble)
	switch {
	case err != nil:
		return value, opError("get or load", key, err)
	case results[0].err != nil:
		return value, results[0].err
	}
	return unmarshalShared[T](sh, results[0].value)
}

// recall reads and judges what is stored under k. The value is there if it is fresh or stale; what is none of the type is absent.
func recall[T any](ctx context.Context, c *Cache, k string, sh shape) (value T, _ standing, err error) {
	raw, found, err := c.store.Get(ctx, k)
	if err != nil || !found {
		return value, absent, err
	}
	if data, is := plain(raw); is {
		if sh.schema != 0 {
			return value, absent, nil
		}
		if value, err = unmarshal[T](sh, data); err != nil {
			return value, absent, nil //nolint:nilerr // it is replaced
		}
		return value, fresh, nil
	}
	s, err := c.judge(ctx, raw)
	if err != nil {
		return value, absent, err
	}
	if s.standing == negative {
		return value, negative, nil
	}
	if s.standing != fresh && s.standing != stale || s.frame.schema != sh.schema {
		return value, absent, nil
	}
	if value, err = unmarshal[T](sh, s.value); err != nil {
		return value, absent, nil //nolint:nilerr // it is replaced
	}
	return value, s.standing, nil
}

// newJob is the job of one key.
func newJob[T any](c *Cache, p *Policy, sh shape, load func(context.Context) (T, error)) *job {
	policy := *p
	policy.Tags = slices.Clone(p.Tags)
	return &job{
		c: c, policy: &policy, schema: sh.schema,
		load: func(ctx context.Context, _ []*flight) []result {
			v, err := load(ctx)
			if err != nil {
				return []result{{err: err}}
			}
			data, err := marshal(sh, v)
			return []result{{data, err}}
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

// GetOrLoadMany is [GetOrLoad] for several keys: those that are not there are loaded in one call. load gets them, each once, and returns what it has found: a key that is not in
// its map was not found, which is remembered where p has a NegativeTTL, and is not in the result. An error of load's is that of the call. The map is never nil without an error, and nil with one.
func GetOrLoadMany[T any](ctx context.Context, c *Cache, keys []string, p Policy, load func(ctx context.Context, missing []string) (map[string]T, error)) (map[string]T, error) {
	return getOrLoadMany(ctx, c, keys, &p, shape{}, load)
}

func getOrLoadMany[T any](ctx context.Context, c *Cache, keys []string, p *Policy, sh shape, load func(context.Context, []string) (map[string]T, error)) (map[string]T, error) {
	const op = "get or load many"
	keys = distinct(keys)
	if load == nil {
		return nil, batchError(op, len(keys), errNoLoader)
	}
	if c == nil {
		return loadMany(ctx, keys, p, load)
	}
	start := c.now()
	ks, err := c.enterMany(ctx, keys)
	if err == nil {
		err = p.check(c)
	}
	if err != nil {
		err = batchError(op, len(keys), err)
		c.emit(op, start, ResultError, err)
		return nil, err
	}
	values := make(map[string]T, len(keys))
	var missing, missingKs, old, oldKs []string
	all, trouble := c.judgeMany(ctx, ks)
	if trouble != nil {
		missing, missingKs = keys, ks
	}
	for i, s := range all {
		if s.standing == negative {
			continue
		}
		if s.frame.schema == sh.schema && (s.standing == fresh || s.standing == stale) {
			if v, err := unmarshal[T](sh, s.value); err == nil {
				values[keys[i]] = v
				if s.standing == stale {
					old, oldKs = append(old, keys[i]), append(oldKs, ks[i])
				}
				continue
			}
		}
		missing, missingKs = append(missing, keys[i]), append(missingKs, ks[i])
	}
	if err := ctx.Err(); err != nil {
		err = batchError(op, len(keys), err)
		c.emit(op, start, ResultError, err)
		return nil, err
	}
	j := newJobOfMany(c, p, sh, load)
	if len(old) > 0 {
		j.refresh(ctx, oldKs, old)
	}
	switch {
	case len(missing) > 0:
		c.emit(op, start, ResultMiss, batchError("get many", len(keys), trouble))
	case len(old) > 0:
		c.emit(op, start, ResultStale, nil)
	default:
		c.emit(op, start, ResultHit, nil)
	}
	if len(missing) == 0 {
		return values, nil
	}
	results, err := j.join(ctx, missingKs, missing, trouble)
	if err != nil {
		return nil, batchError(op, len(keys), err)
	}
	for i, r := range results {
		if errors.Is(r.err, ErrNotFound) {
			continue
		}
		if r.err != nil {
			return nil, r.err
		}
		if values[missing[i]], err = unmarshalShared[T](sh, r.value); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// loadMany is for a nil cache.
func loadMany[T any](ctx context.Context, keys []string, p *Policy, load func(context.Context, []string) (map[string]T, error)) (map[string]T, error) {
	if err := p.check(nil); err != nil {
		return nil, batchError("get or load many", len(keys), err)
	}
	values := make(map[string]T, len(keys))
	if len(keys) == 0 {
		return values, nil
	}
	loaded, err := load(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if v, found := loaded[key]; found {
			values[key] = v
		}
	}
	return values, nil
}

func newJobOfMany[T any](c *Cache, p *Policy, sh shape, load func(context.Context, []string) (map[string]T, error)) *job {
	policy := *p
	policy.Tags = slices.Clone(p.Tags)
	return &job{
		c: c, policy: &policy, schema: sh.schema,
		load: func(ctx context.Context, flights []*flight) []result {
			keys := keysOf(flights)
			results := make([]result, len(keys))
			loaded, err := load(ctx, slices.Clone(keys))
			for i, key := range keys {
				v, found := loaded[key]
				switch {
				case err != nil:
					results[i].err = err
				case !found:
					results[i].err = ErrNotFound
				default:
					results[i].value, results[i].err = marshal(sh, v)
				}
			}
			return results
		},
		valid: validOf[T](sh),
	}
}

// distinct returns the keys, each once, in their order.
func distinct(keys []string) []string {
	seen := make(map[string]bool, len(keys))
	var once []string
	for _, key := range keys {
		if !seen[key] {
			seen[key] = true
			once = append(once, key)
		}
	}
	return once
}
