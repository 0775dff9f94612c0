package httpcache

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

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

// varying returns the fields by which the responses of a target are told apart when one with these in Vary has come.
func (f *found) varying(names []string) []string {
	if f.index == nil {
		return names
	}
	return sortedOnce(slices.Concat(f.index.names, names))
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
