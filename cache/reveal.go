package cache

import (
	"context"
	"slices"
	"time"
)

// standing is what a stored value is good for.
type standing int

const (
	absent   standing = iota // for nothing: a lease, what has outlived its time, or its tags have been invalidated
	fresh                    // it is the value
	stale                    // it may be used while somebody refreshes it
	fallback                 // it may be used where the source fails
	negative                 // the source has no such thing
)

// stored is a stored value, looked at.
type stored struct {
	standing standing
	raw      []byte // as it is stored; nil where nothing is
	framed   bool
	frame    frame             // if framed
	value    []byte            // the caller's bytes, part of raw; of use if the standing is fresh, stale or fallback
	late     int64             // how long it has not been fresh any more, in nanoseconds
	markers  map[string][]byte // of its tags, among others
}

// judge looks at a stored value. An error is that its tags cannot be looked at.
func (c *Cache) judge(ctx context.Context, raw []byte) (stored, error) {
	if !isFramed(raw) {
		return stored{standing: fresh, raw: raw, value: raw}, nil
	}
	s := judgeFrame(raw)
	if s.standing == absent || len(s.frame.tags) == 0 {
		return s, nil
	}
	markers := make(map[string][]byte)
	if err := c.readMarkers(ctx, []stored{s}, markers); err != nil {
		return stored{}, err
	}
	s.compare(c.scopes(), markers)
	return s, nil
}

// judgeMany reads and judges what is stored under the store's keys, in their order, and reads those of markers meanwhile, where nil is one that is not there.
func (c *Cache) judgeMany(ctx context.Context, ks, more []string) (all []stored, markers map[string][]byte, err error) {
	read := ks
	if len(more) > 0 {
		read = slices.Concat(ks, more)
	}
	raws, err := c.rawMany(ctx, read)
	if err != nil {
		return nil, nil, err
	}
	all = make([]stored, len(ks))
	tagged := len(more) > 0
	for i, k := range ks {
		raw, found := raws[k]
		switch {
		case !found:
		case isFramed(raw):
			all[i] = judgeFrame(raw)
			tagged = tagged || len(all[i].frame.tags) > 0
		default:
			all[i] = stored{standing: fresh, raw: raw, value: raw}
		}
	}
	if !tagged {
		return all, nil, nil
	}
	markers = make(map[string][]byte, len(more))
	for _, k := range more {
		markers[k] = raws[k]
	}
	if err := c.readMarkers(ctx, all, markers); err != nil {
		return nil, nil, err
	}
	scopes := c.scopes()
	for i := range all {
		all[i].compare(scopes, markers)
	}
	return all, markers, nil
}

// judgeFrame is judge for a value that looks like a frame, as though no tag had been invalidated.
func judgeFrame(raw []byte) stored {
	s := stored{raw: raw, framed: true}
	f, err := decodeFrame(raw)
	if err != nil {
		return s
	}
	s.frame, s.value = f, f.value
	late := int64(-1)
	if f.flags&flagSoft != 0 {
		late = time.Now().UnixNano() - f.fresh
	}
	s.late = late
	switch {
	case f.flags&flagNegative != 0:
		if late < 0 {
			s.standing = negative
		}
	case f.flags&flagValue == 0: // a lease
	case late < 0:
		s.standing = fresh
	case late < f.staleFor:
		s.standing = stale
	case late < f.staleIfError:
		s.standing = fallback
	}
	return s
}

// plain returns the value of a stored one that is fresh as long as the store keeps it, which is most: for less than what it takes to judge it.
func plain(raw []byte) (value []byte, is bool) {
	if !isFramed(raw) {
		return raw, true
	}
	if len(raw) >= headLen && raw[len(magic)] == frameVersion && raw[len(magic)+1] == flagValue {
		return raw[headLen:], true
	}
	return nil, false
}

// reveal returns what the callers of the plain methods see of a stored value.
func (c *Cache) reveal(ctx context.Context, raw []byte) (value []byte, visible bool, err error) {
	if value, is := plain(raw); is {
		return value, true, nil
	}
	s, err := c.judge(ctx, raw)
	if err != nil || s.standing != fresh {
		return nil, false, err
	}
	return s.value, true, nil
}

// look reads and judges what is stored under k.
func (c *Cache) look(ctx context.Context, k string) (stored, error) {
	raw, found, err := c.store.Get(ctx, k)
	if err != nil || !found {
		return stored{}, err
	}
	return c.judge(ctx, raw)
}

// limit makes of what is not fresh what p allows, which may be less than what it was stored under.
func (s *stored) limit(p *Policy) {
	if s.standing == negative && p.NegativeTTL == 0 {
		s.standing = absent
	}
	if s.standing == stale && s.late >= int64(p.StaleFor) {
		s.standing = absent
		if s.late < s.frame.staleIfError {
			s.standing = fallback
		}
	}
	if s.standing == fallback && s.late >= int64(p.StaleIfError) {
		s.standing = absent
	}
}

// isSpecial tells whether an entry has a lifetime that is not the stored one, or is none to the callers of the plain methods.
func (s *stored) isSpecial() bool {
	return s.framed && (s.standing != fresh || s.frame.flags&flagSoft != 0)
}

// left is the lifetime of a value that takes the place of this one and keeps its lifetime, which is the default where callers see no entry.
func (s *stored) left(c *Cache) time.Duration {
	switch {
	case s.standing != fresh:
		return c.ttl
	case s.isSpecial():
		return max(1, time.Duration(s.frame.fresh-time.Now().UnixNano()))
	}
	return KeepTTL
}

// renewed is the frame of a fresh value with another lifetime, and how long it has to be stored.
func (s *stored) renewed(ttl time.Duration) (raw []byte, life time.Duration) {
	f := s.frame
	if ttl == Forever {
		f.flags &^= flagSoft
		return f.encode(), Forever
	}
	now := time.Now().UnixNano()
	f.fresh = now + int64(min(ttl, maxLife))
	return f.encode(), f.life(now)
}
