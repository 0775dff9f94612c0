package cache

import (
	"context"
	"slices"
	"time"
)

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
	asked := time.Now() // it may look at tags too
	all, _, trouble := c.judgeMany(ctx, ks, nil)
	if trouble != nil {
		missing, missingKs = keys, ks
	}
	for i, s := range all {
		s.limit(p)
		if s.standing == negative && s.frame.schema == sh.schema {
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
	results, err := j.join(ctx, missingKs, missing, trouble, asked)
	if err != nil {
		return nil, batchError(op, len(keys), err)
	}
	for i, r := range results {
		if r.missing {
			continue
		}
		if r.err != nil {
			return nil, r.err
		}
		if values[missing[i]], err = unmarshalShared[T](sh, r.value); err != nil {
			return nil, opError("get or load", missing[i], err)
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
					results[i].err, results[i].missing = opError("get or load", key, ErrNotFound), true
				default:
					data, failed := marshal(sh, v)
					results[i] = result{value: data, err: opError("get or load", key, failed), broken: failed != nil}
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
