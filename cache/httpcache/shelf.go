package httpcache

import (
	"bytes"
	"context"
	"errors"
	"net/http"
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
