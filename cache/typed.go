package cache

import (
	"context"
	"fmt"
)

// Typed is a namespace of a cache whose values are of one type and kept by one policy. It is safe for concurrent use. That of a nil cache caches nothing, as does the zero Typed.
type Typed[T any] struct {
	c      *Cache
	policy Policy
	shape  shape
}

// TypedOption is an option of [For].
type TypedOption func(*shape)

// WithCodec stores values by that codec, also bytes and strings.
func WithCodec(codec Codec) TypedOption { return func(s *shape) { s.codec = codec } }

// WithSchema is the version of what T looks like. Values that were stored under another version, or under none, are absent here, and replaced.
// Zero, the default, is none.
func WithSchema(version uint32) TypedOption { return func(s *shape) { s.schema = uint64(version) } }

// For returns the namespace of c with that name as one of values of type T, kept as p says. A name that is none, too many levels, a policy that makes no sense and what the store
// cannot do are errors.
func For[T any](c *Cache, name string, p Policy, o ...TypedOption) (Typed[T], error) {
	t := Typed[T]{policy: p}
	t.policy.Tags = append([]string(nil), p.Tags...)
	for _, option := range o {
		option(&t.shape)
	}
	err := checkName(name)
	switch {
	case err != nil:
	case c != nil && c.depth == maxDepth:
		err = fmt.Errorf("namespace %q is nested more than %d deep", name, maxDepth)
	default:
		err = p.check(c)
	}
	if err != nil {
		return Typed[T]{}, fmt.Errorf("cache: for %q: %w", name, err)
	}
	t.c = c.Namespace(name)
	return t, nil
}

// Cache returns the namespace, without the type: to clear it, to invalidate tags, or to look at keys.
func (t Typed[T]) Cache() *Cache { return t.c }

// GetOrLoad is the function [GetOrLoad] with the policy.
func (t Typed[T]) GetOrLoad(ctx context.Context, key string, load func(context.Context) (T, error)) (T, error) {
	return getOrLoad(ctx, t.c, key, &t.policy, t.shape, load)
}

// GetOrLoadMany is the function [GetOrLoadMany] with the policy.
func (t Typed[T]) GetOrLoadMany(ctx context.Context, keys []string, load func(ctx context.Context, missing []string) (map[string]T, error)) (map[string]T, error) {
	return getOrLoadMany(ctx, t.c, keys, &t.policy, t.shape, load)
}

// Get returns the value under key. What does not decode, or has another schema, is not found.
func (t Typed[T]) Get(ctx context.Context, key string) (value T, found bool, err error) {
	if t.c == nil {
		return value, false, nil
	}
	start := t.c.now()
	k, err := t.c.enter(ctx, key)
	var s stored
	if err == nil {
		s, err = t.c.look(ctx, k)
	}
	if err != nil {
		err = opError("get", key, err)
	} else if s.raw != nil && s.standing == fresh && s.frame.schema == t.shape.schema {
		value, err = unmarshal[T](t.shape, s.value)
		found, err = err == nil, nil
	}
	t.c.emit("get", start, hitOrMiss(found), err)
	return value, found, err
}

// Set stores value under key as one that was loaded: with the policy's lifetimes and tags. A value that does not encode is an error, and nothing changes.
func (t Typed[T]) Set(ctx context.Context, key string, value T) error {
	if t.c == nil {
		return nil
	}
	start := t.c.now()
	err := opError("set", key, t.set(ctx, key, value))
	t.c.emit("set", start, ResultOK, err)
	return err
}

func (t Typed[T]) set(ctx context.Context, key string, value T) error {
	k, err := t.c.enter(ctx, key)
	if err != nil {
		return err
	}
	data, err := marshal(t.shape, value)
	if err != nil {
		return err
	}
	j := job{c: t.c, policy: &t.policy, schema: t.shape.schema}
	return t.c.flights.write(ctx, k, func() error {
		tags, err := t.tags(ctx)
		if err != nil {
			return t.c.failed(ctx, k, err)
		}
		raw, life := j.frame(result{value: data}, tags)
		if len(raw) > MaxValueLen {
			return tooLarge(raw)
		}
		return t.c.store.Set(ctx, k, raw, life)
	})
}

func (t Typed[T]) tags(ctx context.Context) ([]tag, error) {
	if len(t.policy.Tags) == 0 {
		return nil, nil
	}
	markers, err := t.c.rawMany(ctx, t.c.markerKeys(t.policy.Tags))
	if err != nil {
		return nil, err
	}
	return t.c.tagged(ctx, t.policy.Tags, markers, t.policy.needed(t.c))
}

// Delete removes the entry under key. An absent one is no error.
func (t Typed[T]) Delete(ctx context.Context, key string) error { return t.c.Delete(ctx, key) }
