package httpcache

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"time"
)

// index is what the store has under a target whose responses vary: what they vary by, and which there are. The responses lie beside it, under
// keys that its nonce is part of, so that without it nobody finds them: to remove the index is to invalidate all variants.
type index struct {
	key      string
	nonce    string
	names    []string             // of the fields that Vary has named, sorted
	variants map[string]time.Time // until when each is kept
}

func newNonce() string { return rand.Text()[:16] } // 80 bits

func (x *index) encode() []byte {
	w := &writer{}
	w.text(x.key)
	w.text(x.nonce)
	w.texts(x.names)
	w.number(int64(len(x.variants)))
	for _, v := range slices.Sorted(maps.Keys(x.variants)) {
		w.text(v)
		w.moment(x.variants[v])
	}
	return seal(isIndex, w, nil)
}

func decodeIndex(head []byte) (*index, bool) {
	r := reader{s: string(head)}
	x := &index{key: r.text(), nonce: r.text(), names: r.texts()}
	n := r.count()
	x.variants = make(map[string]time.Time, n)
	for range n {
		v := r.text()
		x.variants[v] = r.moment()
	}
	return x, !r.failed && x.nonce != ""
}

// with returns an index that lists one variant more, and the variants that had to go for it: those whose time is over, and beyond limit
// those that would go first.
func (x *index) with(variant string, until time.Time, limit int, now time.Time) (added *index, gone []string) {
	added = &index{key: x.key, nonce: x.nonce, names: x.names, variants: make(map[string]time.Time, len(x.variants)+1)}
	maps.Copy(added.variants, x.variants)
	delete(added.variants, variant)
	maps.DeleteFunc(added.variants, func(_ string, t time.Time) bool { return !t.After(now) })
	if over := len(added.variants) + 1 - limit; over > 0 {
		all := slices.SortedFunc(maps.Keys(added.variants), func(a, b string) int {
			return cmp.Or(added.variants[a].Compare(added.variants[b]), cmp.Compare(a, b))
		})
		for _, v := range all[:over] {
			delete(added.variants, v)
			gone = append(gone, v)
		}
	}
	added.variants[variant] = until
	return added, gone
}

// until is when the last variant goes.
func (x *index) until() time.Time {
	var last time.Time
	for _, t := range x.variants {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// at is the store's key of a variant.
func (x *index) at(t target, variant string) string { return t.base + "." + x.nonce + "." + variant }

// after returns the index to write over the record current, which somebody else has put there meanwhile: nil where there was an invalidation
// between the two, or where current tells responses apart by what x does not know of.
func (x *index) after(current []byte) *index {
	k, head, body, ok := open(current)
	if !ok {
		return nil
	}
	switch k {
	case isResponse:
		if p := (&response{}); p.decode(head, body) && p.nonce == x.nonce {
			return x
		}
	case isIndex:
		y, ok := decodeIndex(head)
		switch {
		case !ok || y.nonce != x.nonce:
		case slices.Equal(x.names, y.names):
			return y
		case !slices.ContainsFunc(y.names, func(name string) bool { return !slices.Contains(x.names, name) }):
			return x
		}
	}
	return nil
}

// newLease makes the record of somebody who asks the handler. What is stored in its place has its nonce, by which it is told apart from what
// is stored after an invalidation.
func newLease() (record []byte, nonce string) {
	nonce = newNonce()
	w := &writer{}
	w.text(nonce)
	return seal(isLease, w, nil), nonce
}

func decodeLease(head []byte) (nonce string) {
	r := reader{s: string(head)}
	return r.text()
}
