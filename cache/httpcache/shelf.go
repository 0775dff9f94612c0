package httpcache

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

const forever = cache.Forever

// shelf is what is in the store.
type shelf struct {
	cache       *cache.Cache
	guard       guard
	maxVariants int
}

// found is what the store has for a request.
type found struct {
	base     []byte    // the record under the target, nil where there is none
	nonce    string    // of that record: the same for all that follow it, until an invalidation
	index    *index    // what it is, where responses vary
	response *response // that suits the request; nil where none does
	variant  string    // of the request, by the index' names
	miss     string    // why there is no response, in the words of RFC 9211 section 2.2
	foreign  bool      // another target has the same hash: nothing can be stored
	buffers  [2][]byte
	decoded  response // what response points to
}

// maxPooled is how large a buffer may have grown to be used again.
const maxPooled = 256 << 10

var pool = sync.Pool{New: func() any { return new(found) }}

// free gives the memory back. Nothing of f may be used afterwards.
func (f *found) free() {
	clear(f.decoded.fields)
	kept := found{buffers: f.buffers, decoded: response{fields: f.decoded.fields[:0]}}
	for i, b := range kept.buffers {
		if cap(b) > maxPooled {
			kept.buffers[i] = nil
		}
	}
	*f = kept
	pool.Put(f)
}

// look looks for a response to r. It takes no longer than what is left from began on, and tells when it has looked.
func (s *shelf) look(ctx context.Context, began time.Time, left time.Duration, t target, r *http.Request) (f *found, now time.Time, err error) {
	if left > 0 && s.guard.enter(began) {
		defer s.guard.leave(ctx, began, &now, &err)
		l := &limited{Context: ctx, until: began.Add(left)}
		defer l.end()
		f, err = s.read(l, t, r)
		return f, now, err
	}
	t.raw, r = bytes.Clone(t.raw), apart(r)
	f, err = watch(ctx, &s.guard, left, func(ctx context.Context) (*found, error) { return s.read(ctx, t, r) })
	return f, time.Now(), err
}

// apart returns what reading needs of r, for a goroutine that may still read when the handler changes r.
func apart(r *http.Request) *http.Request {
	return &http.Request{Host: r.Host, Header: r.Header.Clone()}
}

func (s *shelf) read(ctx context.Context, t target, r *http.Request) (*found, error) {
	f, _ := pool.Get().(*found)
	f.miss = uriMiss
	var there bool
	var err error
	if f.base, there, err = s.get(ctx, t.base, &f.buffers[0]); err != nil || !there {
		return f, err
	}
	k, head, body, ok := open(f.base)
	if !ok {
		return f, nil
	}
	switch k {
	case isLease:
		f.nonce = decodeLease(head)
	case isResponse:
		p := &f.decoded
		if !p.decode(head, body) || p.variant != "" { // which an index has to list
			return f, nil
		}
		f.nonce = p.nonce
		if p.key != string(t.raw) {
			f.foreign = true
			return f, nil
		}
		if f.variant = variantOf(r, nil); f.variant != "" {
			f.miss = varyMiss
			return f, nil
		}
		f.response = p
	case isIndex:
		x, ok := decodeIndex(head)
		if !ok {
			return f, nil
		}
		f.nonce = x.nonce
		if x.key != string(t.raw) {
			f.foreign = true
			return f, nil
		}
		f.index, f.miss, f.variant = x, varyMiss, variantOf(r, x.names)
		b, there, err := s.get(ctx, x.at(t, f.variant), &f.buffers[1])
		if err != nil || !there {
			return f, err
		}
		if k, head, body, ok := open(b); ok && k == isResponse {
			if p := &f.decoded; p.decode(head, body) && p.key == string(t.raw) && p.nonce == x.nonce && p.variant == f.variant {
				f.response = p
			}
		}
	}
	if f.response != nil && len(f.response.marks) > 0 {
		valid, err := s.hold(ctx, f.response.marks)
		if err != nil {
			return f, err
		}
		if !valid {
			f.response, f.miss = nil, uriMiss
		}
	}
	return f, nil
}

// get reads a value into the memory that buffer has.
func (s *shelf) get(ctx context.Context, key string, buffer *[]byte) ([]byte, bool, error) {
	value, there, err := s.cache.GetAppend(ctx, (*buffer)[:0], key)
	if err == nil && there {
		*buffer = value
	}
	if !there {
		return nil, false, err
	}
	return value, there, err
}

// leaseLife is how long a call of the handler may take for its response to be stored, and more than most responses live, so that a full store, which gives up first what would
// end first, keeps it. It is no limit to anything else: a lease that a process left behind keeps nobody from storing.
const leaseLife = 24 * time.Hour

// claim makes sure that there is a record under the target which an invalidation would remove: put replaces that record and no other, so that a
// response which the handler made before an invalidation is not stored after it. It looks again where there is one: somebody may have stored
// what the caller is about to ask for.
func (s *shelf) claim(ctx context.Context, left time.Duration, t target, r *http.Request, f *found) (*found, error) {
	if s.cache == nil {
		return f, nil
	}
	absent := f.base == nil
	t.raw, r = bytes.Clone(t.raw), apart(r)
	return watch(ctx, &s.guard, left, func(ctx context.Context) (*found, error) {
		lease, nonce := newLease()
		if absent {
			stored, err := s.add(ctx, t.base, lease)
			if err != nil || stored {
				return &found{base: lease, nonce: nonce, miss: uriMiss}, err
			}
		}
		again, err := s.read(ctx, t, r)
		if err == nil && again.base == nil {
			var stored bool
			if stored, err = s.add(ctx, t.base, lease); stored {
				again.base, again.nonce = lease, nonce
			}
		}
		return again, err
	})
}

// unclaim takes back the lease of a call that stored nothing.
func (s *shelf) unclaim(ctx context.Context, t target, f *found) {
	if k, _, _, ok := open(f.base); ok && k == isLease {
		_, _ = s.cache.CompareAndDelete(ctx, t.base, f.base) // else it ends by itself
	}
}

// varying returns the fields by which the responses of a target are told apart when one with these in Vary has come.
func (f *found) varying(names []string) []string {
	if f.index == nil {
		return names
	}
	return sortedOnce(slices.Concat(f.index.names, names))
}

// put stores a response in place of what was found, and tells whether it did.
//
// names are those of its Vary and of the index that was found, if any: see [found.varying].
func (s *shelf) put(ctx context.Context, t target, f *found, p response, names []string, keep time.Duration) bool {
	if f.foreign || f.base == nil || keep <= 0 {
		return false
	}
	nonce, x := f.nonce, f.index
	if nonce == "" { // garbage
		nonce = newNonce()
	}
	if x == nil && p.variant == "" {
		p.nonce = nonce
		return s.swap(ctx, t.base, f.base, p.encode(), keep)
	}
	if x == nil || len(names) > len(x.names) { // variants that were told apart by less are not found any more
		x = &index{key: t.text(), nonce: nonce, names: names}
	}
	p.nonce = x.nonce
	if s.cache.Set(ctx, x.at(t, p.variant), p.encode(), keep) != nil {
		return false
	}
	return s.list(ctx, t, f.base, x, p.variant, keep)
}

// maxTries is how often an index that others change at the same time is written.
const maxTries = 8

// list makes the index under the target list a variant, in place of the record base.
func (s *shelf) list(ctx context.Context, t target, base []byte, x *index, variant string, keep time.Duration) bool {
	for range maxTries {
		now := time.Now()
		added, gone := x.with(variant, after(now, keep), s.maxVariants, now)
		if s.swap(ctx, t.base, base, added.encode(), lifeUntil(added.until(), now)) {
			for _, v := range gone {
				_ = s.cache.Delete(ctx, x.at(t, v)) // else it ends by itself, unseen
			}
			return true
		}
		current, there, err := s.cache.Get(ctx, t.base)
		if err != nil || !there {
			return false
		}
		if base, x = current, x.after(current); x == nil {
			return false
		}
	}
	return false
}

const century = 100 * 365 * 24 * time.Hour

func after(now time.Time, keep time.Duration) time.Time { return now.Add(min(keep, century)) }

func lifeUntil(t, now time.Time) time.Duration {
	if left := t.Sub(now); left < century/2 {
		return left
	}
	return forever
}

func (s *shelf) add(ctx context.Context, key string, value []byte) (bool, error) {
	stored, err := s.cache.Add(ctx, key, value, leaseLife)
	if !errors.Is(err, errors.ErrUnsupported) {
		return stored, err
	}
	if there, err := s.cache.Exists(ctx, key); err != nil || there {
		return false, err
	}
	return true, s.cache.Set(ctx, key, value, leaseLife)
}

// swap replaces a record by another. A store that cannot do so in one step does it in two, between which an invalidation can be lost.
func (s *shelf) swap(ctx context.Context, key string, old, replacement []byte, ttl time.Duration) bool {
	swapped, err := s.cache.CompareAndSwap(ctx, key, old, replacement, ttl)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err == nil && swapped
	}
	current, there, err := s.cache.Get(ctx, key)
	if err != nil || !there || !bytes.Equal(current, old) {
		return false
	}
	return s.cache.Set(ctx, key, replacement, ttl) == nil
}

// remove invalidates what is stored for targets, and for groups. What fails is remembered by the *cache.Cache.
func (s *shelf) remove(ctx context.Context, bases, groups []string) {
	_, _ = timed(ctx, &s.guard, func(ctx context.Context) (struct{}, error) {
		var problems []error
		for _, base := range bases {
			problems = append(problems, s.cache.Delete(ctx, base))
		}
		return struct{}{}, errors.Join(append(problems, s.invalidate(ctx, groups))...)
	})
}
